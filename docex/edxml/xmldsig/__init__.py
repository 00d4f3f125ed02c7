"""The signature of an envelope (XMLDSig 1.1): canonical form, digests, putting one on, checking whether one fits."""
