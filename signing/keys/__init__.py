"""Private keys as key stores: in files, and on tokens and HSMs by PKCS#11."""
