"""The page on which a person chooses an account and a way into it."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="pt-BR">
<meta charset="utf-8">
<title>Simulador do gov.br</title>
<style>
body { font-family: sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
td { padding: .4rem .8rem .4rem 0; border-top: 1px solid #ccc; vertical-align: top; }
button { margin: .1rem; }
</style>
<h1>Simulador do gov.br</h1>
<p>Contas e empresas inventadas, para testes. O serviço pede: {{ sent["scope"] }}.</p>
<table>
{% for account in people %}
<tr>
<td>{{ account.social_name or account.full_name }}<br><small>{{ account.name }}</small></td>
<td>
{% for link in (account.links.values() | list)[:3] %}
<small>{{ link.company_name }}: {{ link.atuacao or "COLABORADOR" }}</small><br>
{% endfor %}
{% if account.links | length > 3 %}<small>e outras</small>{% endif %}
</td>
<td>
<form method="post" action="/authorize">
{% for name, value in sent.items() %}
<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}
<input type="hidden" name="cpf" value="{{ account.cpf }}">
{% for way in ways if way.open_to(account) %}
<button name="way" value="{{ way.name }}">{{ way.label }}</button>
{% endfor %}
</form>
</td>
</tr>
{% endfor %}
</table>
</html>
"""
"""A template of Jinja, which Flask escapes."""
