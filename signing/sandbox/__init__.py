"""Work on strangers' bytes in processes of their own, confined by the kernel."""
