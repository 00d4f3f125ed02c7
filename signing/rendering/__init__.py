"""A second judge that looks: pages of a file drawn by PDFium and compared, whatever the file calls its changes.

`comparison` tells where a page looks different from what was signed, `covering` whether the picture of a later
signature hides what stood there, `framing` shows it. Everything here reads strangers' bytes: call it where the file is
verified, in a process of its own (`signing.sandbox.runner`). No pyHanko here: what one library overlooks, the other
shall see.
"""
