"""What Plainbill does not start with: settings that make no sense, and in production those that are unsafe.

`settings` and `database` hold the rules: values in, sentences out. Each sentence names what is wrong and how to mend
it, and never shows a secret. `refusing` asks them where something starts, `system` for `manage.py check --deploy`.
"""
