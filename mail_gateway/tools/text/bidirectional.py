"""Control characters that change the order in which a text is shown (Unicode UAX 9, section 2).

They can make names, addresses and file names look like others: CVE-2021-42574, CVE-2009-3376.
"""

# Without joiners, which Persian names and emoji need. The text is used within the brackets of a regular expression.
BIDIRECTIONAL_CONTROLS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
