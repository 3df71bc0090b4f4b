"""
The policy as decision tables for people who read no rules.

``decision_tables`` are made of explored diagrams, by ``minimising`` the ways through each rule;
``tables_markdown`` and ``tables_html`` print them, in the words of ``table_words`` and
``table_texts`` and the names that facts have in ``portuguese``.
"""
