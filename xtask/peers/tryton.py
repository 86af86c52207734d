#!/usr/bin/env python3
"""Tryton on loopback, with a shop's worth of data: a company, products with stock, customers with an address.

It makes its database in --folder unless there is one, seeds it, and serves it as `shop` for user and password `admin`.
"""

import argparse
import os
import pathlib
import subprocess
import sys
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))
# What it starts finds the same packages.
os.environ["PYTHONPATH"] = str(HERE)

CONFIGURATION = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
authentications = password
"""

# Saved at once, more of them make an expression deeper than Python goes.
TOGETHER = 50


def admin(configuration, folder, *arguments):
    password = folder / "password"
    password.write_text("admin")
    environment = dict(os.environ, TRYTONPASSFILE=str(password))
    command = [sys.executable, str(HERE / "bin" / "trytond-admin"), "-c", str(configuration), "-d", "shop"]
    subprocess.run(command + list(arguments), check=True, env=environment)


def seed(configuration, products, customers):
    from proteus import Model, config

    session = config.set_trytond("shop", config_file=str(configuration))
    get = Model.get
    dong = get("currency.currency")(name="Dong", code="VND", symbol="d", rounding=Decimal("1"), digits=0)
    dong.save()
    owner = get("party.party")(name="Shop")
    owner.save()
    company = get("company.company")(party=owner, currency=dong)
    company.save()
    user = get("res.user")(1)
    user.companies.append(company)
    user.company = company
    user.save()
    session._context = get("res.user").get_preferences(True, session.context)

    (unit,) = get("product.uom").find([("name", "=", "Unit")])
    (store,) = get("stock.location").find([("code", "=", "STO")])
    Template, Inventory, Party = get("product.template"), get("stock.inventory"), get("party.party")
    for first in range(0, products, TOGETHER):
        templates = [
            Template(
                name=f"Product {n}", code=f"TRY-{n:04}", type="goods", default_uom=unit, list_price=Decimal(1000 + n)
            )
            for n in range(first, min(first + TOGETHER, products))
        ]
        Template.save(templates)
        inventory = Inventory(location=store)
        for n, template in enumerate(templates):
            line = inventory.lines.new()
            line.product = template.products[0]
            line.quantity = float(n % 7 + 1)
        inventory.save()
        inventory.click("confirm")
    for n in range(customers):
        party = Party(name=f"Nguyen Thi Lan {n}")
        mail = party.contact_mechanisms.new()
        mail.type = "email"
        mail.value = f"lan{n}@example.vn"
        party.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--customers", type=int, default=20)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    configuration = folder / "tryton.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=arguments.port))
    database = folder / "shop.sqlite"
    if not database.exists():
        database.touch()
        admin(configuration, folder, "--email", "admin@example.vn", "--all")
        admin(configuration, folder, "-u", "stock", "product", "party", "--activate-dependencies")
        # In a process of its own: the server begins without what the seed has cached.
        pid = os.fork()
        if pid == 0:
            seed(configuration, arguments.products, arguments.customers)
            os._exit(0)
        if os.waitpid(pid, 0)[1] != 0:
            sys.exit("the seed failed")
    server = [sys.executable, str(HERE / "bin" / "trytond"), "-c", str(configuration), "-d", "shop"]
    os.execv(sys.executable, server)


if __name__ == "__main__":
    main()
