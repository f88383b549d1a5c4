from tests.web.staff_site import sign_in, site

__all__ = ["sign_in", "site"]
