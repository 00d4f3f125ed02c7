"""The OpenAPI document of the API, its page for people, and what integrators start from."""
