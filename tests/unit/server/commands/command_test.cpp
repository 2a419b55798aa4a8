#include "server/commands/command.hpp"

#include <set>

#include "conf/load.hpp"
#include "server/os/identity.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

constexpr Flag common[]{{"--config", "FILE", ""}, {"--depot", "DIR", ""}};

Arguments given(std::vector<std::string> words) {
  words.insert(words.begin(), "apdepot");
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  return {pointers, common};
}

template <class Act>
std::string mistake_of(Act act) {
  try {
    act();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

// The working directory, for as long as it lives.
class Standing {
 public:
  explicit Standing(const fs::path& in) : before_(fs::current_path()) { fs::current_path(in); }
  Standing(const Standing&) = delete;
  Standing& operator=(const Standing&) = delete;
  ~Standing() { fs::current_path(before_); }

 private:
  const fs::path before_;
};

}  // namespace

TEST_CASE("no two commands have one name, and each says what it does") {
  std::set<std::string_view> names;
  for (const auto* command : commands()) {
    CAPTURE(command->name);
    CHECK(names.insert(command->name).second);
    CHECK((command->run != nullptr));
    CHECK_FALSE(command->summary.empty());
    CHECK(command->summary.find('\n') == std::string_view::npos);
  }
}

TEST_CASE(
    "a flag of two commands takes a value in both or in none, for main() reads them before the command") {
  std::map<std::string_view, bool> takes_value{
      {"--config", true}, {"--depot", true}, {"--help", false}, {"--version", false}};
  const auto of_all = takes_value;
  for (const auto* command : commands()) {
    std::set<std::string_view> own;
    for (const auto& flag : command->flags) {
      CAPTURE(command->name);
      CAPTURE(flag.name);
      CHECK(flag.name.starts_with("--"));
      CHECK(flag.name.find_first_of("= ") == std::string_view::npos);
      CHECK_FALSE(flag.help.empty());
      CHECK(own.insert(flag.name).second);
      CHECK_FALSE(of_all.contains(flag.name));
      const auto [known, is_new] = takes_value.try_emplace(flag.name, !flag.value.empty());
      CHECK(known->second == !flag.value.empty());
    }
  }
}

TEST_CASE("the depot is the one of --depot, else of the configuration") {
  const test::TempDir dir;
  const auto file = dir.write("site.yaml", "depot: /srv/images\n").string();
  const auto from_file = load_settings(given({"--config", file}));
  CHECK(from_file.settings.depot == "/srv/images");
  CHECK(from_file.names_depot);
  CHECK(load_settings(given({"--config", file, "--depot", "/else"})).settings.depot == "/else");
  CHECK(load_settings(given({"--config", file, "--depot=a~b/~"})).settings.depot == "a~b/~");
  CHECK(config_file_name(given({"--config", "one", "--config", "two"})) == "two");
}

TEST_CASE("a depot that no shell has expanded, or an empty one, is wrong usage") {
  const test::TempDir dir;
  const auto file = dir.write("site.yaml", "").string();
  for (const std::string_view depot : {"", "~", "~/depot", "~root/depot"}) {
    CAPTURE(depot);
    const auto arguments = given({"--config", file, "--depot=" + std::string(depot)});
    CHECK_THROWS_AS(load_settings(arguments), UsageError);
    const auto said = mistake_of([&] { load_settings(arguments); });
    CHECK(said.starts_with(depot.empty() ? "--depot \"\": it is a path" : "--depot ~"));
    CHECK(has(said, "write the whole path"));
  }
}

TEST_CASE("a configuration that is not there is an error that names it") {
  const test::TempDir dir;
  const auto file = (dir / "missing.yaml").string();
  CHECK_THROWS_WITH_AS(load_settings(given({"--config", file, "--depot", "/x"})),
                       doctest::Contains(file.c_str()), conf::ConfigError);
}

TEST_CASE("nobody is given a new depot by a configuration that names none") {
  const test::TempDir dir;
  fs::create_directories(dir / "depot/images");  // so that it is in doubt on every host which one is meant
  const Standing in(dir.path());
  const auto silent = dir.write("silent.yaml", "drain: 30\n").string();
  const auto naming = dir.write("naming.yaml", "depot: /srv/images\n").string();

  const auto said = mistake_of([&] { load_settings_to_write(given({"--config", silent})); });
  CHECK(said.starts_with(silent + " names no depot, and its default is "));
  CHECK(has(said, "write \"depot: DIR\" into it, or add --depot DIR"));

  CHECK(load_settings_to_write(given({"--config", silent, "--depot", "/here"})).settings.depot == "/here");
  CHECK(load_settings_to_write(given({"--config", naming})).settings.depot == "/srv/images");
}

TEST_CASE("the user of the flag goes before the one of the configuration, and an unknown one is an error") {
  const test::TempDir dir;
  conf::Settings settings = conf::load_defaults().settings;
  settings.depot = dir.path();
  CHECK_FALSE(candidates(settings).named);
  CHECK(candidates(settings).owner == owner_of(dir.path()));
  settings.user = "no-such-user";
  CHECK(candidates(settings, "root").named->is_root());
  CHECK(mistake_of([&] { candidates(settings); }) ==
        "user: no-such-user: this host has no such user; name one of /etc/passwd");
  settings.user = "root";
  CHECK(candidates(settings).named->is_root());
  CHECK(mistake_of([&] { candidates(settings, "no-such-user"); }) ==
        "--user no-such-user: this host has no such user; name one of /etc/passwd");
  settings.depot = dir / "missing";
  CHECK_FALSE(candidates(settings).owner);
}

TEST_CASE("a command that begins with a depot makes it, and another does not") {
  const test::TempDir dir;
  const auto file = dir.write("site.yaml", "user: root\n").string();
  const auto arguments = given({"--config", file, "--depot", (dir / "depot").string()});

  const auto said = mistake_of([&] { existing_depot(arguments); });
  CHECK(said.starts_with("there is no depot in " + (dir / "depot").string() + ": name it with --depot DIR"));
  CHECK_FALSE(fs::exists(dir / "depot"));

  const auto made = open_depot(load_settings(arguments).settings);
  CHECK(made.directory() == dir / "depot");
  CHECK(fs::is_directory(made.images()));
  CHECK((fs::status(made.state()).permissions() & fs::perms::mask) == fs::perms::owner_all);
  CHECK(existing_depot(arguments).directory() == made.directory());
}

TEST_CASE("a command on what must be there makes no depot for a mistyped name") {
  const test::TempDir dir;
  const auto file = dir.write("site.yaml", "user: root\n").string();
  const auto password = dir.write("password", "correct horse\n").string();
  const auto typo = (dir / "depto").string();
  for (const auto& [command, words] :
       {std::pair{&promote_command, test::Words{"17.9.4a"}},
        std::pair{&retire_command, test::Words{"17.9.4a"}},
        std::pair{&user_command, test::Words{"remove", "ewc"}},
        std::pair{&user_command, test::Words{"web", "ewc", "admin"}},
        std::pair{&user_command, test::Words{"passwd", "ewc", "--password-file", password}},
        std::pair{&token_command, test::Words{"remove", "monitor"}}}) {
    CAPTURE(words.front());
    auto all = words;
    all.insert(all.end(), {"--config", file, "--depot", typo});
    const auto ran = test::run(*command, all);
    CHECK(ran.status == 1);
    CHECK(ran.mistake.starts_with("there is no depot in " + typo));
    CHECK_FALSE(fs::exists(typo));
  }
}

TEST_CASE("a folder of images is not made a depot") {
  const test::TempDir dir;
  dir.write("tftpboot/EWC/ap1g8", "image");
  const auto file = dir.write("site.yaml", "user: root\n").string();
  const auto said = mistake_of([&] {
    open_depot(load_settings(given({"--config", file, "--depot", (dir / "tftpboot").string()})).settings);
  });
  CHECK(has(said, "is a folder of images (EWC/ap1g8), and not a depot"));
  CHECK_FALSE(fs::exists(dir / "tftpboot/drop"));
}

TEST_CASE("what keeps the server from starting keeps each mistake of the configuration apart") {
  const Unstartable several(conf::ConfigError(std::vector<std::string>{"one", "two"}));
  CHECK(several.mistakes() == std::vector<std::string>{"one", "two"});
  CHECK(conf::mistakes_of(Unstartable(std::runtime_error("a\nb"))) == std::vector<std::string>{"a\nb"});
  CHECK(Unstartable::exit_status == 78);  // EX_CONFIG, on which systemd does not start it again
}
