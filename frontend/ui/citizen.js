/** Entry of residents' pages. */
import "./page.js";
import "./hold.js";
import "./calendar.js";
import "./draft.js";
import "./submit-once.js";
import "./text-help.js";
import "./era-date.js";
