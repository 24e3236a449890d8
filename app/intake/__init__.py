"""What may be asked, and how it is accepted. Ends in `app.stream`; knows no HTTP."""
