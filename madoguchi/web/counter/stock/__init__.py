"""Screens of the stock of cards. A scanner is a keyboard that ends with Enter; everything can be typed and works without scripts."""
