// Runs before anything is drawn: what only works with scripts is styled for them from the start.
document.documentElement.classList.add("js");
