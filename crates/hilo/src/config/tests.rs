use super::*;
use hilo_normalize::Tenant;
use proptest::prelude::*;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::read(Some(("hilo.toml".to_owned(), text)), variables).map_err(|error| format!("{error:#}"))
}

fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).unwrap_err()
}

/// The example that users start from.
const EXAMPLE: &str = r#"
[http]
listen = "127.0.0.1:8081"
hosts = ["hooks.example"]
[admin]
listen = "[::1]:8091"
hosts = ["hilo.example"]
[readers.ana]
token = "env:ANA"
role = "viewer"
tenants = ["acme"]
[readers.Bea-2]
token = "bea"
role = "operator"
[storage]
data_dir = "/var/lib/hilo"
[kafka]
bootstrap_servers = "127.0.0.1:9092, [::1]:9093"
[registry]
url = "http://127.0.0.1:8081"
ca_file = "/etc/hilo/registry.pem"
username = "hilo"
password = "hush-hush"
[tenants.acme]
verify_token = "literal"
app_secrets = ["one", "two"]
api_tokens = ["three"]
country = "CL"
time_zone = "America/Santiago"
own_numbers = ["+56221234567", "22 765 4321"]
accounts = ["310", "311"]
auto_replies = ["Gracias por escribirnos"]
[tenants.acme.opt_out]
words = ["no molestar"]
[tenants.Other-One]
"#;

#[test]
fn every_key_is_read() {
    let config = read(EXAMPLE, &[]).unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:8081");
    assert_eq!(
        (config.admin.listen.as_str(), &config.admin.hosts[..]),
        ("[::1]:8091", &["hilo.example".to_owned()][..])
    );
    assert_eq!(config.http.hosts, ["hooks.example"]);
    assert_eq!(config.readers.keys().collect::<Vec<_>>(), ["Bea-2", "ana"]);
    assert_eq!(config.storage.data_dir, Path::new("/var/lib/hilo"));
    assert_eq!(
        config.kafka.unwrap().bootstrap_servers,
        ["127.0.0.1:9092", "[::1]:9093"]
    );
    let registry = config.registry.unwrap();
    assert_eq!(registry.address().as_deref(), Some("127.0.0.1:8081"));
    assert_eq!(registry.ca_file.as_deref(), Some(Path::new("/etc/hilo/registry.pem")));
    assert!(!format!("{registry:?}").contains("hush-hush"));
    let (name, password) = registry.login.unwrap();
    assert_eq!(
        (name.as_str(), password.text().unwrap().as_str()),
        ("hilo", "hush-hush")
    );
    let acme = &config.tenants["acme"];
    assert_eq!(
        (acme.country.as_deref(), acme.time_zone.as_deref()),
        (Some("CL"), Some("America/Santiago"))
    );
    assert!(acme.verify_token.is_some());
    assert_eq!((acme.app_secrets.len(), acme.api_tokens.len()), (2, 1));
    let mut reading = Tenant::of(Some("CL".to_owned()));
    assert!(reading.add_own_number("56221234567") && reading.add_own_number("+56 2 2765 4321"));
    assert!(reading.add_account("310") && reading.add_account("311"));
    assert!(reading.add_auto_reply("gracias por escribirnos") && reading.add_opt_out("No molestar."));
    assert_eq!(acme.reading, reading);
    assert_eq!(config.tenants["Other-One"].reading, Tenant::default());
}

#[test]
fn nothing_written_is_the_embedded_engine_on_loopback() {
    let config = Config::read(None, std::iter::empty()).unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:8080");
    assert_eq!(config.admin.listen, "127.0.0.1:8090");
    assert!(config.readers.is_empty());
    assert_eq!(config.storage.data_dir, Path::new("data"));
    assert!(config.kafka.is_none() && config.registry.is_none() && config.tenants.is_empty());
}

#[test]
fn a_variable_overrides_every_key() {
    let variables = [
        ("HILO__HTTP__LISTEN", "0.0.0.0:9"),
        ("HILO__ADMIN__LISTEN", "127.0.0.1:7"),
        ("HILO__ADMIN__HOSTS", "one.example"),
        ("HILO__READERS__ANA__TOKEN", "another"),
        ("HILO__READERS__BEA_2__ROLE", "analyst"),
        ("HILO__STORAGE__DATA_DIR", "1"),
        ("HILO__KAFKA__BOOTSTRAP_SERVERS", "k:1"),
        ("HILO__REGISTRY__URL", "https://registry/path"),
        ("HILO__TENANTS__ACME__VERIFY_TOKEN", "12345"),
        ("HILO__TENANTS__ACME__APP_SECRETS", r#"["a", "b", "c"]"#),
        ("HILO__TENANTS__ACME__API_TOKENS", "a,b"),
        ("HILO__TENANTS__ACME__COUNTRY", "BR"),
        ("HILO__TENANTS__ACME__TIME_ZONE", "UTC"),
        ("HILO__TENANTS__ACME__OWN_NUMBERS", r#"["+5511987654321"]"#),
        ("HILO__TENANTS__ACME__ACCOUNTS", "312"),
        ("HILO__TENANTS__ACME__AUTO_REPLIES", "Obrigado!"),
        ("HILO__TENANTS__ACME__OPT_OUT__WORDS", r#"["chega", "basta"]"#),
        ("HILO__TENANTS__OTHER_ONE__COUNTRY", "MX"),
        ("HILO__TENANTS__NEW__COUNTRY", "AR"),
        ("HILO_OTHER", "is not ours"),
    ];
    let config = read(EXAMPLE, &variables).unwrap();
    assert_eq!(config.http.listen, "0.0.0.0:9");
    assert_eq!(
        (config.admin.listen.as_str(), &config.admin.hosts[..]),
        ("127.0.0.1:7", &["one.example".to_owned()][..])
    );
    let readers = config.readers().unwrap();
    assert_eq!(readers.by_token(b"another").unwrap().name, "ana");
    assert_eq!(readers.by_token(b"bea").unwrap().role, hilo_service::Role::Analyst);
    assert_eq!(config.storage.data_dir, Path::new("1"));
    assert_eq!(config.kafka.unwrap().bootstrap_servers, ["k:1"]);
    assert_eq!(config.registry.unwrap().address().as_deref(), Some("registry:443"));
    let acme = &config.tenants["acme"];
    assert_eq!(
        (acme.country.as_deref(), acme.time_zone.as_deref()),
        (Some("BR"), Some("UTC"))
    );
    assert_eq!((acme.app_secrets.len(), acme.api_tokens.len()), (3, 1));
    let mut reading = Tenant::of(Some("BR".to_owned()));
    assert!(reading.add_own_number("+5511987654321") && reading.add_account("312"));
    assert!(reading.add_auto_reply("Obrigado!") && reading.add_opt_out("chega") && reading.add_opt_out("basta"));
    assert_eq!(acme.reading, reading);
    let resolved = acme.verify_token.as_ref().unwrap().resolve().unwrap();
    assert_eq!(Some(resolved), hilo_gateway::Secret::new("12345"));
    assert_eq!(
        config.tenants["Other-One"].country.as_deref(),
        Some("MX"),
        "a variable cannot write capitals and dashes"
    );
    assert_eq!(config.tenants["new"].country.as_deref(), Some("AR"));
    assert_eq!(config.tenants.len(), 3);
}

#[test]
fn an_unknown_key_is_refused_by_place_with_the_nearest_known_one() {
    for (text, variables, place, nearest) in [
        (
            "\n[http]\nlisten_on = \"x\"\n",
            &[][..],
            "hilo.toml, line 3: there is no key http.listen_on",
            "\"listen\"",
        ),
        (
            "[htpp]\nlisten = \"x\"\n",
            &[],
            "line 1: there is no section [htpp]",
            "\"http\"",
        ),
        (
            "listen = \"x\"\n",
            &[],
            "line 1: there is no key listen;",
            "did you mean",
        ),
        (
            "[tenants.acme]\napp_secret = [\"x\"]\n",
            &[],
            "line 2: there is no key tenants.acme.app_secret",
            "app_secrets",
        ),
        (
            "[tenants.acme]\nTimezone = \"UTC\"\n",
            &[],
            "tenants.acme.Timezone",
            "time_zone",
        ),
        (
            "[tenants.acme.opt_out]\nword = [\"basta\"]\n",
            &[],
            "line 2: there is no key tenants.acme.opt_out.word",
            "words",
        ),
        (
            "[tenants.acme]\nown_number = [\"+56221234567\"]\n",
            &[],
            "line 2: there is no key tenants.acme.own_number",
            "own_numbers",
        ),
        (
            "[tenants.acme.sub]\ncountry = \"CL\"\n",
            &[],
            "there is no section [tenants.acme.sub]",
            "did you mean",
        ),
        (
            "http = 3\n",
            &[],
            "line 1: http is a section, not a key: write [http] and",
            "",
        ),
        ("tenants = 3\n", &[], "write [tenants.NAME] and", ""),
        (
            "[http.listen]\n",
            &[],
            "line 1: http.listen is a key, not a section",
            "",
        ),
        (
            "",
            &[("HILO__HTTP__LISTN", "x")],
            "environment variable HILO__HTTP__LISTN: there is no key http.listn",
            "listen",
        ),
        (
            "",
            &[("HILO__HTP__LISTEN", "x")],
            "HILO__HTP__LISTEN: there is no section [htp]",
            "http",
        ),
        ("", &[("HILO__HTTP", "x")], "HILO__HTTP: http is a section", ""),
        ("", &[("HILO__", "x")], "HILO__", "did you mean"),
    ] {
        let error = refused(text, variables);
        assert!(
            error.contains(place) && error.contains(nearest),
            "{text}{variables:?}: {error}"
        );
    }
}

#[test]
fn a_value_that_makes_no_sense_is_refused_by_place() {
    for (text, expected) in [
        ("[http]\nlisten = 8080", "line 2: http.listen should be a text"),
        (
            "[http]\nlisten = \"8080\"",
            "line 2: http.listen \"8080\" is no address",
        ),
        ("[http]\nlisten = \"localhost:99999\"", "is no address"),
        ("[http]\nlisten = \"http://x:80\"", "is no address"),
        ("[storage]\ndata_dir = \" \"", "line 2: storage.data_dir is empty"),
        ("[kafka]\n", "line 1: [kafka] needs bootstrap_servers"),
        (
            "[kafka]\nbootstrap_servers = \"a:1,,b:2\"",
            "line 2: kafka.bootstrap_servers",
        ),
        ("[registry]\nurl = \"registry:8081\"", "line 2: registry.url"),
        (
            "[registry]\nurl = \"http://a:1\"\nusername = \"hilo\"",
            "line 3: registry.username needs registry.password",
        ),
        (
            "[registry]\nurl = \"http://a:1\"\npassword = \"hush\"",
            "line 3: registry.password needs registry.username",
        ),
        (
            "[registry]\nurl = \"http://u:p@a:1\"\nusername = \"hilo\"\npassword = \"hush\"",
            "line 2: registry.url holds a user",
        ),
        (
            "[registry]\nurl = \"http://a:1\"\nusername = \"hilo\"\npassword = \"env:\"",
            "line 4: registry.password is empty",
        ),
        ("[registry]\nurl = \"http://\"", "line 2: registry.url"),
        ("[tenants.\"a b\"]\n", "line 1: tenants.a b: use 1 to 64 letters"),
        (
            "[tenants.a]\ncountry = \"Chile\"",
            "line 2: tenants.a.country \"Chile\"",
        ),
        (
            "[tenants.a]\ntime_zone = \"Chile/Nowhere\"",
            "line 2: tenants.a.time_zone",
        ),
        (
            "[tenants.a]\napp_secrets = \"x\"",
            "line 2: tenants.a.app_secrets should be a list",
        ),
        (
            "[tenants.a]\napp_secrets = [1]",
            "line 2: tenants.a.app_secrets should be a list",
        ),
        (
            "[tenants.a]\nown_numbers = [\"+56221234567\", \"la tienda\"]",
            "line 2: tenants.a.own_numbers \"la tienda\" is no phone number",
        ),
        (
            "[tenants.a]\nown_numbers = \"+56221234567\"",
            "line 2: tenants.a.own_numbers should be a list",
        ),
        (
            "[tenants.a]\naccounts = [\"waba-1\"]",
            "line 2: tenants.a.accounts \"waba-1\" is no id",
        ),
        (
            "[tenants.a]\naccounts = [310]",
            "line 2: tenants.a.accounts should be a list of texts",
        ),
        ("[tenants.a]\naccounts = []", "line 2: tenants.a.accounts is empty"),
        (
            "[tenants.a]\nauto_replies = [\" \"]",
            "line 2: tenants.a.auto_replies \" \" is no text",
        ),
        (
            "[tenants.a.opt_out]\nwords = [\"basta\", \"¡🛑!\"]",
            "line 2: tenants.a.opt_out.words \"¡🛑!\" is empty without emoji",
        ),
        ("[http]\n[http]\n", "line 2: this is no TOML"),
        ("a = ", "line 1: this is no TOML"),
    ] {
        let error = refused(text, &[]);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn an_empty_secret_is_refused_at_load() {
    for empty in ["", " ", "env:", "file:", "env: "] {
        for line in [
            format!("verify_token = \"{empty}\""),
            format!("app_secrets = [\"good\", \"{empty}\"]"),
            format!("api_tokens = [\"{empty}\"]"),
        ] {
            let error = refused(&format!("[tenants.a]\n{line}\n"), &[]);
            assert!(
                error.contains("line 2") && error.contains("is empty"),
                "{line}: {error}"
            );
        }
        assert!(refused("", &[("HILO__TENANTS__A__APP_SECRETS", empty)]).contains("is empty"));
    }
}

#[test]
fn secrets_come_from_where_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let config = |secret: &str| read(&format!("[tenants.a]\napp_secrets = ['{secret}']\n"), &[]).unwrap();
    let from_file = config(&format!("file:{}", path.display()));
    let missing = from_file.secrets().unwrap_err();
    assert!(
        format!("{missing:#}").contains("cannot read the secret's file"),
        "{missing:#}"
    );
    fs::write(&path, "s3cret \n").unwrap();
    assert_eq!(
        from_file.secrets().unwrap()[0].1.app_secrets,
        [hilo_gateway::Secret::new("s3cret ").unwrap()]
    );
    fs::write(&path, "\n").unwrap();
    assert!(from_file.secrets().unwrap_err().to_string().contains("is empty"));
    // Cargo sets this one for every test.
    let name = env!("CARGO_PKG_NAME");
    let from_environment = config("env:CARGO_PKG_NAME").secrets().unwrap();
    assert_eq!(
        from_environment[0].1.app_secrets,
        [hilo_gateway::Secret::new(name).unwrap()]
    );
    let unset = config("env:HILO_TEST_IS_NEVER_SET").secrets().unwrap_err().to_string();
    assert!(
        unset.contains("line 2") && unset.contains("HILO_TEST_IS_NEVER_SET"),
        "{unset}"
    );
}

#[test]
fn a_tenant_without_secrets_serves_a_replay_and_no_gateway() {
    let config = read("[tenants.a]\ncountry = \"CL\"\n", &[]).unwrap();
    assert!(config.secrets().unwrap_err().to_string().contains("neither"));
}

proptest! {
    /// Whatever is wrong around it, no error and no debug text shows a secret.
    #[test]
    fn a_secret_is_never_shown(before in "[a-z= \"\\[\\]\n]{0,12}", after in "[a-z= \"\\[\\],\n]{0,12}", key in "app_secrets|verify_token|country_x|api_token") {
        let text = format!("[tenants.a]\n{key} = {before}\"hunter2\"{after}\n");
        let shown = match read(&text, &[("HILO__TENANTS__A__API_TOKENS", "[\"hunter2\"")]) {
            Ok(config) => format!("{config:?} {:?}", config.secrets()),
            Err(error) => error,
        };
        prop_assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_reader_is_refused_where_it_says_who_reads_wrongly() {
    let tenant = "[tenants.acme]\napi_tokens = [\"t\"]\n";
    for (text, words) in [
        (
            "[readers.ana]\nrole = \"viewer\"",
            &["hilo.toml, line 3", "readers.ana", "token"][..],
        ),
        ("[readers.ana]\ntoken = \"x\"", &["readers.ana", "role", "operator"]),
        (
            "[readers.ana]\ntoken = \"x\"\nrole = \"admin\"",
            &["readers.ana.role", "\"admin\"", "viewer"],
        ),
        (
            "[readers.ana]\ntoken = \" \"\nrole = \"viewer\"",
            &["readers.ana.token", "empty"],
        ),
        (
            "[readers.ana]\ntoken = \"x\"\nrole = \"viewer\"\ntenants = [\"acne\"]",
            &["readers.ana.tenants", "\"acne\""],
        ),
        (
            "[readers.\"a b\"]\ntoken = \"x\"\nrole = \"viewer\"",
            &["readers.a b", "letters"],
        ),
        ("[readers.ana]\ntokens = \"x\"", &["readers.ana.tokens", "\"token\""]),
        ("[admin]\nlisten = \"8090\"", &["admin.listen", "127.0.0.1"]),
    ] {
        let said = refused(&format!("{tenant}{text}\n"), &[]);
        for word in words {
            assert!(said.contains(word), "{text}: {said}");
        }
    }
    let shared = read(
        &format!(
            "{tenant}[readers.a]\ntoken = \"x\"\nrole = \"viewer\"\n[readers.b]\ntoken = \"x\"\nrole = \"viewer\"\n"
        ),
        &[],
    );
    let said = format!("{:#}", shared.unwrap().readers().err().unwrap());
    assert!(
        said.contains("readers a and b have the same token") && !said.contains('x'),
        "{said}"
    );
    let none = format!("{tenant}[readers.a]\ntoken = \"y\"\nrole = \"viewer\"\ntenants = []\n");
    let readers = read(&none, &[]).unwrap().readers().unwrap();
    assert!(
        !readers.by_token(b"y").unwrap().scope.has("acme"),
        "an empty list is nobody's"
    );
}
