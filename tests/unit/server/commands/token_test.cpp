#include <yaml-cpp/yaml.h>

#include "conf/config_error.hpp"
#include "conf/tokens.hpp"
#include "storage/depot/staging.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

struct Tokens : test::Site {
  fs::path file() const { return depot.state() / "tokens.yaml"; }
  test::Ran token(std::vector<std::string> words) const { return run(token_command, std::move(words)); }
  std::vector<conf::Token> kept() const { return conf::load_tokens(file()); }
};

}  // namespace

TEST_CASE("a token is printed once, and only its digest is kept, where its owner alone can read it") {
  const Tokens tokens;
  const auto ran = tokens.token({"add", "monitor"});
  CHECK(ran.status == 0);
  REQUIRE(ran.out.size() == 4 + 43 + 1);
  CHECK(ran.out.starts_with("apd_"));
  CHECK(ran.err.starts_with(
      "the token monitor is shown this once: send it as \"Authorization: Bearer TOKEN\""));
  const auto secret = ran.out.substr(0, ran.out.size() - 1);
  CHECK_FALSE(has(ran.err, secret));
  const auto kept = tokens.kept();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].name == "monitor");
  CHECK(kept[0].role == conf::WebRole::viewer);
  CHECK(kept[0].sha256 == test::digest_of(storage::DigestKind::sha256, secret));
  CHECK_FALSE(has(test::text_in(tokens.file()), secret));
  CHECK((fs::status(tokens.file()).permissions() & fs::perms::mask) == fs::perms(0600));
  CHECK(tokens.token({"add", "second"}).out != ran.out);
}

TEST_CASE("a token has the role that it was given, and no other one than viewer and admin") {
  const Tokens tokens;
  CHECK(tokens.token({"add", "a", "--role", "admin"}).status == 0);
  CHECK(tokens.kept().at(0).role == conf::WebRole::admin);
  for (const std::string role : {"none", "", "Admin", "root"}) {
    const auto ran = tokens.token({"add", "b", "--role=" + role});
    CHECK(ran.status == 2);
    CHECK(ran.mistake == "--role " + role + ": it is viewer or admin");
    CHECK(ran.out.empty());
  }
  CHECK(tokens.kept().size() == 1);
}

TEST_CASE("a name is given once, until its token is removed") {
  const Tokens tokens;
  tokens.token({"add", "monitor"});
  const auto before = test::text_in(tokens.file());
  auto ran = tokens.token({"add", "monitor", "--role", "admin"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "there is a token monitor already: `apdepot token remove monitor` makes room");
  CHECK(ran.out.empty());  // or somebody would use it
  CHECK(test::text_in(tokens.file()) == before);
  ran = tokens.token({"remove", "monitor"});
  CHECK(ran.status == 0);
  CHECK(ran.err == "the token monitor is removed, and opens nothing any more\n");
  CHECK(tokens.token({"add", "monitor", "--role", "admin"}).status == 0);
}

TEST_CASE("only the token of that name is removed, and one that is not there is an error") {
  const Tokens tokens;
  for (const auto* name : {"a", "b", "c"}) tokens.token({"add", name});
  CHECK(tokens.token({"remove", "b"}).status == 0);
  auto ran = tokens.token({"remove", "b"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "there is no token b: `apdepot token list` shows all");
  CHECK(storage::DirectoryLock::try_to(tokens.depot.state()));  // who failed does not keep others waiting
  CHECK(tokens.token({"list"}).out == "a\tviewer\nc\tviewer\n");
  CHECK(tokens.token({"remove", "a"}).status == 0);
  CHECK(tokens.token({"remove", "c"}).status == 0);
  CHECK(tokens.kept().empty());
}

TEST_CASE("tokens are listed with their roles, as JSON too, and the list makes nothing") {
  const Tokens tokens;
  CHECK(tokens.token({"list"}).out.empty());
  CHECK(tokens.token({"list", "--json"}).out == "[]\n");
  CHECK_FALSE(fs::exists(tokens.file()));
  tokens.token({"add", "monitor"});
  tokens.token({"add", "deploy", "--role", "admin"});
  CHECK(tokens.token({"list"}).out == "monitor\tviewer\ndeploy\tadmin\n");
  CHECK(tokens.token({"list", "--json"}).out ==
        "[{\"name\":\"monitor\",\"role\":\"viewer\"},{\"name\":\"deploy\",\"role\":\"admin\"}]\n");
  const auto nowhere = test::run(token_command, {"list", "--config", tokens.config().string(), "--depot",
                                                 (tokens.dir / "none").string()});
  CHECK(nowhere.status == 1);
  CHECK_FALSE(fs::exists(tokens.dir / "none"));
}

TEST_CASE("the tokens lie beside the users file, wherever that is, and need no depot there") {
  const Tokens tokens;
  fs::create_directory(tokens.dir / "etc");
  const auto users = tokens.dir / "etc/people.yaml";
  tokens.configure("ssh: {users_file: " + users.string() + "}\n");
  const auto words = std::vector<std::string>{"--config", tokens.config().string(), "--depot",
                                              (tokens.dir / "none").string()};
  const auto token = [&](std::vector<std::string> all) {
    all.insert(all.end(), words.begin(), words.end());
    return test::run(token_command, all);
  };
  CHECK(token({"add", "monitor"}).status == 0);
  CHECK(conf::load_tokens(tokens.dir / "etc/tokens.yaml").size() == 1);
  CHECK(token({"list"}).out == "monitor\tviewer\n");
  CHECK(token({"remove", "monitor"}).status == 0);
  CHECK_FALSE(fs::exists(tokens.dir / "none"));
  CHECK_FALSE(fs::exists(tokens.file()));
}

TEST_CASE("a tokens file that is damaged, or open to others, is an error and stays as it is") {
  const Tokens tokens;
  struct Row {
    const char *text, *said;
    unsigned mode;
  };
  for (const auto& [text, said, mode] :
       {Row{"tokens: [", "tokens.yaml:", 0600}, Row{"tokens:\n  - name: a\n", "needs name and sha256", 0600},
        Row{"tokens: []\n", "chmod 600", 0644}}) {
    tokens.dir.write("depot/state/tokens.yaml", text);
    fs::permissions(tokens.file(), fs::perms(mode));
    for (const auto& words : {test::Words{"add", "b"}, test::Words{"remove", "a"}, test::Words{"list"}}) {
      const auto ran = tokens.token(words);
      CHECK(ran.status == 1);
      CHECK(has(ran.mistake, said));
      CHECK(ran.out.empty());
      CHECK(test::text_in(tokens.file()) == text);
    }
  }
}

TEST_CASE("wrong usage of token is told, and no depot is made") {
  const test::TempDir dir;
  struct Row {
    std::vector<std::string> words;
    const char* mistake;
  };
  constexpr auto form = " is not a valid name: letters, digits, '.', '_' and '-', 32 at most";
  const std::string longest(32, 'a');
  for (const auto& [words, mistake] :
       {Row{{}, "add, remove or list is missing"},
        Row{{"make", "x"}, "token make: it is add, remove or list"}, Row{{"add"}, "NAME is missing"},
        Row{{"remove"}, "NAME is missing"}, Row{{"add", "a", "b"}, "unexpected argument b"},
        Row{{"list", "a"}, "unexpected argument a"}, Row{{"add", ""}, form}, Row{{"add", "../x"}, form},
        Row{{"add", ".x"}, form}, Row{{"add", "a b"}, form}, Row{{"add", longest + "a"}, form}}) {
    auto all = words;
    all.insert(all.end(), {"--depot", (dir / "depot").string()});
    const auto ran = test::run(token_command, all);
    CHECK(ran.status == 2);
    CHECK(ran.mistake.ends_with(mistake));
  }
  CHECK_FALSE(fs::exists(dir / "depot"));
  const Tokens tokens;
  CHECK(tokens.token({"add", longest}).status == 0);
}
