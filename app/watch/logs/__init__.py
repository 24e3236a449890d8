"""The log of a process: one line for each event, on standard error, as JSON or for people.

The rule: a line has an event's name, when, how grave, of which process, and the event's own fields, and nothing else:
never the words of an exception, a prompt, an answer or a key. No value can end a line, begin another or paint a
terminal. Writing it holds nobody up and is nobody's fault: what cannot be written is counted and said when it can be.
`lines` says what each event is called and how grave it is, `observer` which are said, `opening` puts all together.
"""
