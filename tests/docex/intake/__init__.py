"""Messages that systems hand over to the hub: answers, repetitions, what it does to earlier sendings."""
