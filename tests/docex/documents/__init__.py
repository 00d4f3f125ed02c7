"""Documents of one agency, over HTTP and with the jobs of the worker."""
