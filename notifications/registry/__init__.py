"""The registry of SMS templates: what the office has filed with the operators (TRAI's DLT).

Operators let an SMS pass only if it is, letter for letter, a text that was filed with them, its
variables filled with what each was tagged for. The office keeps here what it filed; the words that
leave through a gateway which needs templates are these.

- `notation`: how a filed text is written, what each tag takes
- `models`: templates, version by version, and their history
- `filling`: from a message to the filed text with its values
- `entries`, `verbs`: what an officer may file, change and withdraw
- `csv_files`: a whole list of templates in and out
- `proof`: whether every kind can be said, and what will soon be wrong
- `drafts`: what to file, from the kinds' own texts

See docs/sms-templates.md.
"""
