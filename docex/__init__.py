"""Official documents between agencies: drafting, signing, numbering, dispatch, intake and handling.

Words: a `Document` is what an agency issues; a `Dispatch` is one envelope that was handed to the hub, by a page or by
an agency's system; a `Delivery` is that envelope at one recipient; an `Incoming` is the recipient's own copy.
"""
