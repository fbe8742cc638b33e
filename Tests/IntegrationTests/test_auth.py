"""Logins on both sides: every way a client may prove itself, every way a server may ask."""

import base64
import hashlib
import hmac

import pytest

PASSWORD = "correct horse"


def md5_secret(user, password=PASSWORD):
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


def scram_secret(password=PASSWORD, salt=b"0123456789abcdef", iterations=4096):
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(value).decode() for value in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


SECRETS = {"plain": PASSWORD, "md5": md5_secret("app"), "scram": scram_secret()}

#: What the client is asked for, by auth_type and kind of secret; None: the login cannot succeed.
MATRIX = {
    ("plain", "plain"): "plain",
    ("plain", "md5"): "plain",
    ("plain", "scram"): "plain",
    ("md5", "plain"): "md5",
    ("md5", "md5"): "md5",
    ("md5", "scram"): "scram-sha-256",
    ("scram-sha-256", "plain"): "scram-sha-256",
    ("scram-sha-256", "md5"): None,
    ("scram-sha-256", "scram"): "scram-sha-256",
}


@pytest.mark.parametrize(("auth_type", "secret"), MATRIX)
def test_client_auth_by_secret(weir, auth_type, secret):
    # The right password logs in over the expected exchange, the wrong and the empty one do not.
    pooler = weir(auth_type=auth_type, userlist={"app": SECRETS[secret]})
    expected = MATRIX[auth_type, secret]
    if expected is None:
        assert pooler.login_error(password=PASSWORD).code == pooler.code("28P01")
        return
    with pooler.wire(password=PASSWORD) as client:
        assert client.auth == [expected]
        assert client.ask("SELECT current_user") == "app"
    for wrong in ("wrong", "", PASSWORD + " ", SECRETS[secret] if secret != "plain" else "x"):
        assert pooler.login_error(password=wrong).code == pooler.code("28P01"), wrong


@pytest.mark.parametrize("auth_type", ["plain", "md5", "scram-sha-256"])
def test_an_unknown_user_looks_like_a_wrong_password(weir, auth_type):
    # Who has no account gets the same question and the same answer as who has one and does not know its
    # password: nobody learns from it which users exist.
    pooler = weir(auth_type=auth_type, userlist={"app": PASSWORD})
    known = pooler.login_error(password="wrong")
    unknown = pooler.login_error(user="nobody", password="wrong")
    assert unknown.code == known.code == pooler.code("28P01")
    assert unknown.message.replace("nobody", "app") == known.message
    assert set(unknown.fields) == set(known.fields)


@pytest.mark.parametrize("auth_type", ["plain", "md5", "scram-sha-256"])
def test_an_empty_secret_never_logs_in(weir, auth_type):
    # An entry without a secret is no way in without a password.
    pooler = weir(auth_type=auth_type, userlist={"app": ""})
    if not (pooler.is_pgbouncer and auth_type == "scram-sha-256"):  # 1.18 lets it in
        assert pooler.login_error(password="")
    assert pooler.login_error(password="x")


def test_trust_lets_known_users_in(weir):
    # trust asks nothing, but the user must be in the list.
    pooler = weir(auth_type="trust")
    with pooler.wire() as client:
        assert client.auth == []
    assert pooler.login_error(user="nobody")


def test_any_uses_the_forced_user(weir):
    # auth_type any ignores the user's name; the database entry says who logs in at the server.
    pooler = weir(auth_type="any", databases={"app": "{backend} user=forced"})
    assert pooler.ask("SELECT current_user", user="whoever") == "forced"


def test_a_forced_user_is_one_pool(weir, postgres):
    # Clients of different names share the forced user's servers.
    pooler = weir(databases={"app": "{backend} user=forced"}, default_pool_size=1)
    assert pooler.ask("SELECT current_user", user="app") == "forced"
    assert pooler.ask("SELECT current_user", user="other") == "forced"
    assert postgres.sessions() == 1


@pytest.mark.parametrize(("user", "password"), [
    ("plain_user", "plain-secret"), ("md5_user", "md5-secret"), ("scram_user", "scram-secret")])
def test_server_login_with_the_listed_password(weir, user, password):
    # The user list's plain password serves for every question that PostgreSQL may ask.
    pooler = weir(auth_type="scram-sha-256", userlist={user: password})
    assert pooler.ask("SELECT current_user", user=user, password=password) == user


@pytest.mark.parametrize(("user", "password"), [
    ("plain_user", "plain-secret"), ("md5_user", "md5-secret"), ("scram_user", "scram-secret")])
def test_server_login_with_the_entrys_password(weir, user, password):
    # user= and password= of the database entry, whoever the client is.
    pooler = weir(databases={"app": f"{{backend}} user={user} password={password}"})
    assert pooler.ask("SELECT current_user") == user


def test_server_login_with_an_md5_secret(weir):
    # PostgreSQL's md5 question can be answered from the md5 secret alone.
    pooler = weir(auth_type="md5", userlist={"md5_user": md5_secret("md5_user", "md5-secret")})
    assert pooler.ask("SELECT current_user", user="md5_user", password="md5-secret") == "md5_user"


def test_scram_pass_through(weir, postgres):
    # The user list holds PostgreSQL's own SCRAM secret, no password: what the client proves to the
    # pooler lets the pooler prove itself to PostgreSQL.
    secret = postgres.ask("SELECT rolpassword FROM pg_authid WHERE rolname = 'scram_user'")
    pooler = weir(auth_type="scram-sha-256", userlist={"scram_user": secret})
    assert pooler.ask("SELECT current_user", user="scram_user", password="scram-secret") == "scram_user"
    assert pooler.login_error(user="scram_user", password="wrong").code == pooler.code("28P01")


def test_a_wrong_server_password_is_reported(weir):
    # The entry's password is wrong: PostgreSQL's own 28P01 comes through, and nothing else suffers.
    pooler = weir(databases={"app": "{backend}", "locked": "{backend} dbname=app user=scram_user password=no"},
                  query_wait_timeout=3)
    try:
        with pooler.wire(database="locked") as client:
            error = client.query("SELECT 1").error
    except Exception as refused:  # noqa: BLE001: at login or at the first query
        error = refused
    assert error.code == pooler.code("28P01"), error
    pooler.still_serves()


HBA = """
# comment
local all all trust
host  app      app              127.0.0.1/32   trust
host  app      "other"          127.0.0.0/8    scram-sha-256
host  second   app,other        127.0.0.1  255.255.255.255  md5
host  pgbouncer admin           127.0.0.1/32   trust
host  app      forced           127.0.0.1/32   reject
"""


@pytest.mark.planned
def test_hba_rules(weir):
    # The first line that matches address, database and user decides; none is a refusal.
    pooler = weir(auth_type="hba", hba=HBA, userlist={"app": PASSWORD, "other": PASSWORD, "forced": PASSWORD})
    with pooler.wire() as client:
        assert client.auth == []
    with pooler.wire(user="other", password=PASSWORD) as client:
        assert client.auth == ["scram-sha-256"]
    with pooler.wire(user="other", database="second", password=PASSWORD) as client:
        assert client.auth == ["md5"]
    assert pooler.login_error(user="forced", password=PASSWORD)
    assert pooler.login_error(database="bench", password=PASSWORD)
    assert pooler.show("VERSION")


@pytest.mark.planned
def test_auth_query(weir):
    # Users who are not in the list are looked up in PostgreSQL by auth_user.
    pooler = weir(auth_type="scram-sha-256", auth_user="postgres", userlist={"postgres": ""},
                  auth_query="SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1")
    assert pooler.ask("SELECT current_user", user="scram_user", password="scram-secret") == "scram_user"
    assert pooler.login_error(user="scram_user", password="wrong").code == pooler.code("28P01")
    assert pooler.login_error(user="nobody_at_all", password="wrong")


def test_the_list_is_read_again(weir):
    # A password changed in the file counts from the next RELOAD on.
    pooler = weir(auth_type="md5", userlist={"app": "old", "admin": "admin"})
    pooler.still_serves(password="old")
    pooler.userlist["app"] = "renewed"
    pooler.write()
    with pooler.wire(user="admin", database="pgbouncer", password="admin") as console:
        assert console.query("RELOAD").tags == ["RELOAD"]
    pooler.still_serves(password="renewed")
    assert pooler.login_error(password="old").code == pooler.code("28P01")


def test_quotes_in_names_and_secrets(weir):
    # A doubled quote is a quote; other signs are nothing special.
    pooler = weir(auth_type="plain", userlist={"app": 'a ""quoted"" secret; # '})
    pooler.still_serves(password='a "quoted" secret; # ')
