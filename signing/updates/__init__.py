"""What may follow a signature in a PDF: an allow-list over parsed objects, "not valid" by default.

It reads the file by the letter of ISO 32000 with a parser of its own, so that neither what a library repairs nor what
it calls a change decides: `syntax` objects, `tables` cross-references, `document` the signed revision and the updates
after it, `review` the rule, and beside it the rules for fields, pictures, validation data and metadata.
"""
