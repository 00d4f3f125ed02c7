"""The services of the test authority."""
