#include <yaml-cpp/yaml.h>

#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "storage/depot/staging.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;
using test::Words;

namespace {

const std::string ed25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C";
constexpr auto hash = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA";

// A depot, a key and a password to make users of. Most tests use the key: a hash takes a tenth of a second.
struct People : test::Site {
  const std::string key = dir.write("key.pub", ed25519 + " somebody\n").string();

  fs::path file() const { return depot.state() / "users.yaml"; }
  std::string password(const std::string& text) const { return dir.write("password", text + "\n").string(); }
  test::Ran user(Words words) const { return run(user_command, std::move(words)); }
  test::Ran add(const std::string& name, Words words = {}) const {
    words.insert(words.begin(), {"add", name, "--key", key});
    return user(std::move(words));
  }
  std::vector<conf::User> kept() const { return conf::load_users(file()); }
  // Users of the configuration and of the file.
  void write_both() const {
    configure("ssh:\n  users:\n    - name: ewc\n      password_hash: \"" + std::string(hash) + "\"\n");
    add("site-7");
  }
};

}  // namespace

TEST_CASE("a user with a key needs no password, and sees all images unless told otherwise") {
  const People people;
  const auto ran = people.add("ewc");
  CHECK(ran.status == 0);
  CHECK(ran.out.empty());
  CHECK(ran.err == "user ewc may log in now\n");
  const auto kept = people.kept();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].name == "ewc");
  CHECK(kept[0].password_hash.empty());
  CHECK(kept[0].authorized_keys == Words{ed25519 + " somebody"});
  CHECK(kept[0].root == "/");
  CHECK_FALSE(kept[0].uploads);
  CHECK(kept[0].web == conf::WebRole::none);
  CHECK(kept[0].sftp);
  CHECK((fs::status(people.file()).permissions() & fs::perms::mask) == fs::perms(0600));
}

TEST_CASE("a password is kept as a hash that opens, and changes with passwd, which leaves the keys") {
  const People people;
  CHECK(people.add("ewc", {"--password-file", people.password("short")}).status == 0);
  const auto first = people.kept().at(0).password_hash;
  CHECK(verify_password("short", first));
  CHECK_FALSE(has(test::text_in(people.file()), "short"));

  const auto ran = people.run(user_command, {"passwd", "ewc", "--password-file", "-"}, "from a pipe\nmore\n");
  CHECK(ran.status == 0);
  CHECK(ran.err == "the password of ewc is changed\n");
  const auto kept = people.kept();
  CHECK(verify_password("from a pipe", kept.at(0).password_hash));
  CHECK_FALSE(verify_password("short", kept.at(0).password_hash));
  CHECK(kept.at(0).authorized_keys.size() == 1);
}

TEST_CASE("a password for the page has twelve characters or more, whether it is the first or a new one") {
  const People people;
  constexpr auto mistake = "a password for the page has at least 12 characters: nothing was changed";
  auto ran = people.add("admin", {"--web", "admin", "--password-file", people.password("elevenchars")});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == mistake);
  CHECK_FALSE(fs::exists(people.file()));
  ran = people.add("admin", {"--web", "admin", "--password-file", people.password("twelve chars")});
  CHECK(ran.status == 0);
  CHECK(people.kept().at(0).web == conf::WebRole::admin);

  const auto before = test::text_in(people.file());
  ran = people.user({"passwd", "admin", "--password-file", people.password("elevenchars")});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == mistake);
  CHECK(test::text_in(people.file()) == before);
}

TEST_CASE("what a user may do is what the flags say") {
  const People people;
  people.put("EWC/17_9_4a/ap1g8");
  CHECK(people.add("site-7", {"--root", "/EWC/17_9_4a", "--uploads", "--no-sftp"}).status == 0);
  const auto kept = people.kept();
  CHECK(kept.at(0).root == "/EWC/17_9_4a");
  CHECK(kept.at(0).uploads);
  CHECK_FALSE(kept.at(0).sftp);
}

TEST_CASE("a user's root is a folder that is there") {
  const People people;
  people.put("EWC/17_9_4a/ap1g8");
  for (const std::string root : {"/none", "/EWC/17_9_4a/ap1g8", "/EWC/17_9_4a/none"}) {
    const auto ran = people.add("x", {"--root", root});
    CHECK(ran.status == 1);
    CHECK(ran.mistake == "--root " + root + ": there is no such folder in " + people.depot.images().string() +
                             ": make it, or import a bundle, first");
  }
  for (const std::string root : {"", "EWC", "../x", "/EWC/../..", "/EWC/.."}) {
    const auto ran = people.add("x", {"--root=" + root});
    CHECK(ran.status == 2);
    CHECK(ran.mistake ==
          "--root " + root + ": it is a folder of images/ that begins with \"/\" and holds no \"..\"");
  }
  CHECK_FALSE(fs::exists(people.file()));
}

TEST_CASE("a name is given once, in the file and in the configuration together") {
  const People people;
  people.write_both();
  const auto before = test::text_in(people.file());
  for (const std::string name : {"ewc", "site-7"}) {
    const auto ran = people.add(name);
    CHECK(ran.status == 1);
    CHECK(ran.mistake ==
          "there is a user " + name + " already: `apdepot user passwd " + name + "` changes the password");
  }
  CHECK(test::text_in(people.file()) == before);
  CHECK(people.add("EWC").status == 0);  // another name
}

TEST_CASE("only the user of that name is removed, and sessions that run go on") {
  const People people;
  for (const auto* name : {"a", "b", "c"}) people.add(name);
  const auto ran = people.user({"remove", "b"});
  CHECK(ran.status == 0);
  CHECK(ran.err == "user b is removed, and may not log in any more; sessions that run go on\n");
  CHECK(people.kept().size() == 2);
  CHECK(people.kept().at(1).name == "c");
}

TEST_CASE("a user that is not there, or stands in the configuration, cannot be changed") {
  const People people;
  people.write_both();
  const auto before = test::text_in(people.file());
  const auto file = people.password("a long password");
  for (const auto& words : {Words{"remove", "NAME"}, Words{"web", "NAME", "admin"},
                            Words{"passwd", "NAME", "--password-file", file}}) {
    const auto with = [&](const std::string& name) {
      auto all = words;
      all[1] = name;
      return people.user(all);
    };
    CHECK(with("nobody").status == 1);
    CHECK(with("nobody").mistake == "there is no user nobody");
    CHECK(with("ewc").status == 1);
    CHECK(with("ewc").mistake == "ewc is defined in the configuration: change it there");
  }
  CHECK(test::text_in(people.file()) == before);
  CHECK(storage::DirectoryLock::try_to(people.depot.state()));  // who failed does not keep others waiting
}

TEST_CASE("a user's role on the page changes alone") {
  const People people;
  people.add("ewc", {"--no-sftp"});
  auto ran = people.user({"web", "ewc", "viewer"});
  CHECK(ran.status == 0);
  CHECK(ran.err == "ewc is viewer on the page\n");
  CHECK(people.kept().at(0).web == conf::WebRole::viewer);
  CHECK_FALSE(people.kept().at(0).sftp);
  ran = people.user({"web", "ewc", "none"});
  CHECK(ran.err == "ewc is nobody on the page\n");
  CHECK(people.kept().at(0).web == conf::WebRole::none);
}

TEST_CASE("users are listed with what opens and what bounds them, and without the hash") {
  const People people;
  people.write_both();
  people.user({"web", "site-7", "viewer"});
  people.add("up", {"--uploads", "--no-sftp", "--key", people.key});
  const auto text = people.user({"list"});
  CHECK(text.status == 0);
  CHECK(text.out ==
        "ewc\t/\tpassword, 0 keys\tconfiguration\n"
        "site-7\t/\t1 keys, page: viewer\tusers file\n"
        "up\t/\t2 keys, uploads, no SFTP\tusers file\n");
  const auto json = people.user({"list", "--json"});
  CHECK_FALSE(has(json.out, "scrypt"));
  const auto list = YAML::Load(json.out);
  REQUIRE(list.size() == 3);
  CHECK(list[0]["defined_in"].as<std::string>() == "configuration");
  CHECK(list[0]["password"].as<bool>());
  CHECK(list[1]["web"].as<std::string>() == "viewer");
  CHECK_FALSE(list[1]["password"].as<bool>());
  CHECK(list[2]["keys"].as<int>() == 2);
  CHECK_FALSE(list[2]["sftp"].as<bool>());
  CHECK(test::Site().run(user_command, {"list", "--json"}).out == "[]\n");
}

TEST_CASE("keys are read past comments, blank lines and what Windows' editors add") {
  const People people;
  const auto keys = people.dir.write(
      "keys", "\xef\xbb\xbf# of the site\r\n\r\n" + ed25519 + " one\r\nrestrict " + ed25519 + " two");
  CHECK(people.user({"add", "ewc", "--key", keys.string()}).status == 0);
  CHECK(people.kept().at(0).authorized_keys == Words{ed25519 + " one", "restrict " + ed25519 + " two"});
}

TEST_CASE("a file that is not one of public keys is refused with what to do, and nothing of it is shown") {
  const People people;
  const auto file = (people.dir / "other").string();
  struct Row {
    std::string text, mistake;
  };
  for (const auto& [text, mistake] :
       {Row{"PuTTY-User-Key-File-3: ssh-ed25519\nSECRET\n",
            "--key " + file + ": it is PuTTY's private key, which stays with its owner: "},
        Row{"---- BEGIN SSH2 PUBLIC KEY ----\nSECRET\n",
            "--key " + file + ": it is a public key in the form of SSH2 (RFC 4716): `ssh-keygen -i -f " +
                file},
        Row{"-----BEGIN RSA PUBLIC KEY-----\nSECRET\n",
            "--key " + file + ": it is a public key in PEM: `ssh-keygen -i -m PEM -f " + file},
        Row{"-----BEGIN PUBLIC KEY-----\r\nSECRET\r\n",
            "--key " + file + ": it is a public key in PKCS8: `ssh-keygen -i -m PKCS8 -f " + file},
        Row{"-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n",
            "--key " + file + ": it is a private key, which stays with its owner; take " + file + ".pub"},
        Row{ed25519 + "\n-----BEGIN PRIVATE KEY-----\nSECRET\n", "--key " + file + ": it is a private key"},
        Row{"# SECRET\n" + ed25519 + "\nSECRET\n",
            "--key " + file + ":3: must be one public key on one line"},
        Row{ed25519.substr(0, ed25519.size() - 4) + " SECRET\n",
            "--key " + file + ":1: must be one public key"},
        Row{"command=\"SECRET\" " + ed25519 + "\n",
            "--key " + file + ":1: the option command is not honoured"},
        Row{"# SECRET\n\n", "--key " + file + ": there is no key in it"},
        Row{"", "--key " + file + ": there is no key in it"},
        Row{"\xff\xfes", file + " is written in UTF-16: save it as UTF-8"}}) {
    CAPTURE(text);
    people.dir.write("other", text);
    const auto ran = people.add("ewc", {"--key", file});
    CHECK(ran.status == 1);
    CHECK(ran.mistake.starts_with(mistake));
    CHECK_FALSE(has(ran.mistake, "SECRET"));
  }
  fs::remove(file);
  CHECK(people.add("ewc", {"--key", file}).mistake == "cannot read " + file);
  CHECK_FALSE(fs::exists(people.file()));
}

TEST_CASE("a password that is empty or cannot be read changes nothing") {
  const People people;
  for (const std::string text : {"", "\r", "\nsecond line"}) {
    const auto ran = people.add("ewc", {"--password-file", people.password(text)});
    CHECK(ran.status == 1);
    CHECK(ran.mistake == "the password is empty: nothing was changed");
  }
  const auto missing = (people.dir / "missing").string();
  CHECK(people.add("ewc", {"--password-file", missing}).mistake ==
        "cannot read the password file " + missing);
  CHECK_FALSE(fs::exists(people.file()));
}

TEST_CASE("a folder is neither a file of keys nor one of a password") {
  const People people;
  const auto folder = people.dir.path().string();
  for (const std::string flag : {"--key", "--password-file"}) {
    const auto ran = people.user({"add", "ewc", flag, folder});
    CHECK(ran.status == 1);
    CHECK(ran.mistake == folder + " is a folder, not a file");
  }
  CHECK_FALSE(fs::exists(people.file()));
}

TEST_CASE("a users file that is damaged is not written over") {
  const People people;
  people.dir.write("depot/state/users.yaml", "users: [");
  fs::permissions(people.file(), fs::perms(0600));
  for (const auto& words : {Words{"add", "x", "--key", people.key}, Words{"remove", "x"},
                            Words{"web", "x", "none"}, Words{"list"}}) {
    const auto ran = people.user(words);
    CHECK(ran.status == 1);
    CHECK(has(ran.mistake, people.file().string() + ":1: "));
    CHECK(ran.out.empty());
  }
  CHECK(test::text_in(people.file()) == "users: [");
}

TEST_CASE("a users file that the configuration names needs no depot") {
  const People people;
  const auto file = people.dir / "people.yaml";
  people.configure("ssh: {users_file: " + file.string() + "}\n");
  const auto user = [&](Words words) {
    words.insert(words.end(),
                 {"--config", people.config().string(), "--depot", (people.dir / "none").string()});
    return test::run(user_command, words);
  };
  CHECK(user({"add", "ewc", "--key", people.key}).status == 0);
  CHECK(user({"list"}).out == "ewc\t/\t1 keys\tusers file\n");
  CHECK(user({"remove", "ewc"}).status == 0);
  CHECK(conf::load_users(file).empty());
  const auto ran = user({"add", "ewc", "--key", people.key, "--root", "/EWC"});
  CHECK(ran.mistake.starts_with("there is no depot in "));
  CHECK_FALSE(fs::exists(people.dir / "none"));
  CHECK_FALSE(fs::exists(people.file()));
}

TEST_CASE("wrong usage of user is told, and nothing is changed") {
  const People people;
  constexpr auto form = " is no user name: letters, digits, '.', '_' and '-', 32 at most";
  constexpr auto role = "boss is not a role on the page: none, viewer or admin";
  const std::string longest(32, 'a');
  struct Row {
    Words words;
    const char* mistake;
  };
  for (const auto& [words, mistake] :
       {Row{{}, "add, remove, passwd, web or list is missing"},
        Row{{"make", "x"}, "user make: it is add, remove, passwd, web or list"},
        Row{{"add"}, "NAME is missing"}, Row{{"passwd"}, "NAME is missing"}, Row{{"web"}, "NAME is missing"},
        Row{{"web", "x"}, "none, viewer or admin is missing"},
        Row{{"web", "x", "none", "y"}, "unexpected argument y"}, Row{{"web", "x", "boss"}, role},
        Row{{"add", "x", "--key", people.key, "--web", "boss"}, role},
        Row{{"remove", "x", "y"}, "unexpected argument y"}, Row{{"list", "x"}, "unexpected argument x"},
        Row{{"add", ""}, form}, Row{{"add", "../x"}, form}, Row{{"add", ".x"}, form},
        Row{{"add", "a\nb"}, form}, Row{{"add", longest + "a"}, form}}) {
    const auto ran = people.user(words);
    CHECK(ran.status == 2);
    CHECK(ran.mistake.ends_with(mistake));
    CHECK(ran.out.empty());
  }
  CHECK_FALSE(fs::exists(people.file()));
  CHECK(people.add(longest).status == 0);
}

TEST_CASE("what is wrong with a new user is told before a depot is made") {
  const People people;
  const auto none = people.dir / "none";
  for (const auto& words :
       {Words{"--key", people.key, "--web", "boss"}, Words{"--key", people.key, "--root", "EWC"},
        Words{"--key", people.key, "--root", "/EWC"}, Words{"--password-file", people.password("")},
        Words{"--web", "admin", "--password-file", people.dir.write("short", "elevenchars\n").string()}}) {
    CAPTURE(words.back());
    Words all{"add", "x", "--config", people.config().string(), "--depot", none.string()};
    all.insert(all.end(), words.begin(), words.end());
    CHECK(test::run(user_command, all).status != 0);
    CHECK_FALSE(fs::exists(none));
  }
}
