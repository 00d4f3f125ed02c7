// Before the first paint: pages know that scripts run, so dialogs start closed instead of closing visibly.
document.documentElement.classList.add("js");
