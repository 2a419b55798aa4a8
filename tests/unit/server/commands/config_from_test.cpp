#include "server/commands/config_from.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "conf/config_error.hpp"
#include "conf/load.hpp"
#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

constexpr std::size_t mebibyte = 1 << 20, line_width = 110;

std::string mistake_of(const std::string& file) {
  try {
    config_from(file);
  } catch (const conf::ConfigError& e) {
    return e.what();
  }
  return {};
}

// The sentences of the comment, each on one line as before it was broken.
std::vector<std::string> comments_of(const std::string& text) {
  constexpr std::string_view next = "#     ", first = "# ";
  std::vector<std::string> comments;
  for (const auto& line : test::lines_in(text)) {
    if (line.starts_with(next) && !comments.empty()) {
      comments.back().append(" ").append(line.substr(next.size()));
    } else if (line.starts_with(first)) {
      comments.push_back(line.substr(first.size()));
    }
  }
  return comments;
}

bool says(const std::string& text, const std::string& sentence) {
  return std::ranges::count(comments_of(text), sentence) == 1;
}

std::string repeated(std::string_view word, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += word;
  return text;
}

}  // namespace

TEST_CASE("what is printed is a comment about the program and a configuration of its own") {
  const test::TempDir dir;
  const auto file = dir.write("tftpd-hpa", "TFTP_DIRECTORY=\"/srv/tftp\"\nTFTP_OPTIONS=\"-s -v -B 1400\"\n");
  const auto text = config_from(file.string());
  CHECK(comments_of(text).front() ==
        "What tftpd-hpa does by " + file.string() +
            ", made by `apdepot config from`. Read the lines that follow: they say what differs, what has no "
            "equivalent, and what is left to do.");
  CHECK(has(text, "\n# line 1: TFTP_DIRECTORY /srv/tftp: apdepot serves "));
  const auto loaded = conf::load_text(text, "made.yaml");
  CHECK(loaded.warnings.empty());
  CHECK(loaded.settings.tftp.max_block_size == 1400);
  CHECK(loaded.settings.ssh.listen.empty());
}

TEST_CASE("what is not a file of bounded size is not read") {
  const test::TempDir dir;
  fs::create_directory(dir / "folder");
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  const auto cannot = [](const std::string& file, const std::string& why) {
    return "cannot read " + file + ": " + why;
  };
  for (const auto& [file, why] :
       {std::pair((dir / "folder").string(), "it is not a file"),
        std::pair((dir / "pipe").string(), "it is not a file"),
        std::pair(std::string("/dev/zero"), "it is not a file"),
        std::pair((dir / "missing").string(), "No such file or directory"), std::pair(std::string(), "")})
    CHECK(mistake_of(file).starts_with(cannot(file, why)));
}

TEST_CASE("a configuration of one mebibyte is read, and none that has a byte more") {
  const test::TempDir dir;
  std::string text = "TFTP_OPTIONS=\"-s -v -B 1400\"\n#";
  text.resize(mebibyte, 'x');
  const auto file = dir.write("tftpd-hpa", text).string();
  CHECK(conf::load_text(config_from(file), "made.yaml").settings.tftp.max_block_size == 1400);
  dir.write("tftpd-hpa", text + "x");
  CHECK(mistake_of(file) == "cannot read " + file + ": it has more than 1 MiB");
}

TEST_CASE("a file of another kind is refused with the kinds that can be read") {
  const test::TempDir dir;
  const auto hello = dir.write("hello", "hello\n").string();
  CHECK(mistake_of(hello).starts_with(hello + ": this is none of the files that can be read"));
  const auto utf16 = dir.write("tftpd-hpa", "\xff\xfeT").string();
  CHECK(mistake_of(utf16) == utf16 + ": it is written in UTF-16: save it as UTF-8");
}

TEST_CASE("a long remark is broken at blanks, and no word of it is lost") {
  const test::TempDir dir;
  const auto junk = "? " + repeated("word ", 60) + "end";
  const auto text = config_from(dir.write("x.map", "r ^/a/ /b/\nr ^/c/ /d/\n" + junk + "\n").string());
  CHECK(says(text, "line 3: \"" + junk + "\" is not a rule of a map file, and left out"));
  bool broken = false;
  for (const auto& line : test::lines_in(text)) {
    CHECK(line.size() <= line_width);
    broken |= line.starts_with("#     ") && line.size() > line_width - 10;
  }
  CHECK(broken);
}

TEST_CASE("a word that is longer than a line stays whole on a line of its own") {
  const test::TempDir dir;
  const auto word = std::string(300, 'x');
  const auto text = config_from(dir.write("x.map", "r ^/a/ /b/\nr ^/c/ /d/\n" + word + " y\n").string());
  CHECK(has(text, "# line 3:\n#     \"" + word + "\n#     y\" is not a rule"));
}

TEST_CASE("nothing hostile of the file or of its name is printed as it is") {
  const test::TempDir dir;
  const std::string hostile = "\x1b[2J\xe2\x80\xae\a";
  const auto file = dir.write(
      "tftpd" + hostile, "TFTP_DIRECTORY=\"/srv/" + hostile + "\"\nTFTP_OPTIONS=\"--" + hostile + "\"\n");
  const auto text = config_from(file.string());
  for (const std::string_view raw : {"\x1b", "\xe2\x80\xae", "\a"}) CHECK_FALSE(has(text, raw));
  CHECK(has(text, "tftpd\\x1b[2J\\u202e\\x07"));
  CHECK(has(text, "/srv/\\x1b[2J"));
  CHECK(conf::load_text(text, "made.yaml").warnings.empty());
}

TEST_CASE("a remark about a file that the first one names says which, and its line") {
  const test::TempDir dir;
  const auto map = dir.write("rules.map", "# comment\nr ^/a/ /b/\nr ^/c/ /d/\nnonsense\n").string();
  const auto text = config_from(dir.write("tftpd-hpa", "TFTP_OPTIONS=\"-s -v -m " + map + "\"\n").string());
  CHECK(says(text, map + " line 4: \"nonsense\" is not a rule of a map file, and left out"));
  CHECK(says(text, map + ": these rules apply one after the other there; of lookup.aliases the longest "
                         "beginning that fits applies, once"));
  CHECK(conf::load_text(text, "made.yaml").settings.lookup.aliases.size() == 2);

  fs::remove(map);
  CHECK(says(config_from((dir / "tftpd-hpa").string()),
             "line 1: --map-file " + map +
                 " could not be read: No such file or directory; `apdepot config from` takes it alone, too"));
}

TEST_CASE("the files that a pattern names are read in the order of their names, and no others") {
  const test::TempDir dir;
  for (const std::string name : {"e", "d", "c", "b", "a"})
    dir.write("d/" + name + ".conf", "LoginGraceTime 1" + std::to_string(name[0] - 'a') + "\n");
  dir.write("d/A.txt", "LoginGraceTime 99\n");
  dir.write("d/.0.conf.swp", "LoginGraceTime 98\n");
  const auto file =
      dir.write("sshd_config", "Include " + (dir / "d").string() +
                                   "/*.conf\nLoginGraceTime 97\nSubsystem sftp internal-sftp\n");
  const auto settings = conf::load_text(config_from(file.string()), "made.yaml").settings;
  CHECK(settings.ssh.login_grace == std::chrono::seconds(10));
}
