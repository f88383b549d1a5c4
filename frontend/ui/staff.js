/** Entry of staff pages. */
import "./page.js";
import "./shortcuts.js";
import "./toasts.js";
import "./hold.js";
import "./calendar.js";
import "./submit-once.js";
import "./text-help.js";
import "./era-date.js";
import "./slider.js";
