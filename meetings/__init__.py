"""Meetings without paper: planned, convened, answered, held live in the browser, concluded into tasks."""
