#include "protocols/scp/command.hpp"

#include <doctest/doctest.h>

using namespace scp;
using namespace std::string_literals;

namespace {

Command parsed(const std::string& text) {
  CAPTURE(text);
  auto command = parse_command(text);
  REQUIRE(command);
  return *command;
}

std::vector<std::string> names(const std::string& text) {
  std::vector<std::string> all;
  for (const auto& name : parsed(text).names) all.push_back(name.text);
  return all;
}

std::string name(const std::string& text) {
  const auto all = names(text);
  REQUIRE(all.size() == 1);
  return all[0];
}

std::string pattern(const std::string& text) { return parsed(text).names.at(0).pattern; }

std::string refusal(const std::string& text) {
  CAPTURE(text);
  const auto command = parse_command(text);
  REQUIRE_FALSE(command);
  return command.error();
}

}  // namespace

TEST_CASE("the options as clients spell them") {
  struct Spelling {
    const char* text;
    bool sends, times, recursive, directory;
  };
  for (const auto& [text, sends, times, recursive, directory] : {
           Spelling{"scp -f x", true, false, false, false},
           {"scp -t x", false, false, false, false},
           {"scp -pf x", true, true, false, false},
           {"scp -fp x", true, true, false, false},
           {"scp -p -f x", true, true, false, false},
           {"scp -f -p x", true, true, false, false},
           {"scp -v -f x", true, false, false, false},
           {"scp -v -r -p -d -t x", false, true, true, true},
           {"scp -prf x", true, true, true, false},
           {"scp -prt x", false, true, true, false},
           {"scp -pt x", false, true, false, false},
           {"scp -rd -t -- x", false, false, true, true},
           {"scp -q -f -- x", true, false, false, false},
       }) {
    CAPTURE(text);
    const auto command = parsed(text);
    CHECK(command.sends == sends);
    CHECK(command.preserves_times == times);
    CHECK(command.recursive == recursive);
    CHECK(command.into_directory == directory);
    CHECK(command.names == std::vector<Name>{{"x", ""}});
  }
}

TEST_CASE("scp may be named by its path, and blanks are of any number") {
  CHECK(name("/usr/bin/scp -f x") == "x");
  CHECK(name("  scp\t-f   x  ") == "x");
  CHECK(name("scp -f x\n") == "x");
  CHECK(name("scp -f x\r\n") == "x");
  CHECK(name("'scp' \"-f\" x") == "x");
}

TEST_CASE("names as a shell reads them") {
  CHECK(name("scp -pf '/img/a b.bin'") == "/img/a b.bin");
  CHECK(name("scp -f \"/img/a b.bin\"") == "/img/a b.bin");
  CHECK(name("scp -f /img/a\\ b.bin") == "/img/a b.bin");
  CHECK(name(R"(scp -t 'it'"'"'s')") == "it's");
  CHECK(name(R"(scp -t 'it'\''s')") == "it's");
  CHECK(name(R"(scp -t "a\"b\\c\$d\`e\f")") == R"(a"b\c$d`e\f)");
  CHECK(name("scp -t a\\\nb") == "ab");
  CHECK(name("scp -t 'a;b|c$(d)\ne`f`'") == "a;b|c$(d)\ne`f`");
  CHECK(name("scp -t \"a;b|c>d\ne\"") == "a;b|c>d\ne");
  CHECK(name("scp -t a#b!{c,d}=~e") == "a#b!{c,d}=~e");
  CHECK(name("scp -f \xc3\xa9") == "\xc3\xa9");
}

TEST_CASE("a name that begins with a dash, an empty one, and none") {
  CHECK(name("scp -f -- -x") == "-x");
  CHECK(name("scp -f -") == "-");
  CHECK(name("scp -f") == ".");
  CHECK(name("scp -t ''") == ".");
  CHECK(name("scp -t ") == ".");
}

TEST_CASE("several names") {
  CHECK(names("scp -f a 'b c' d") == std::vector<std::string>{"a", "b c", "d"});
  CHECK(names("scp -f a -p") == std::vector<std::string>{"a", "-p"});
}

TEST_CASE("the home directory is the root") {
  CHECK(name("scp -f ~/x") == "./x");
  CHECK(name("scp -f ~") == ".");
  CHECK(name("scp -f '~/x'") == "~/x");
  CHECK(name("scp -f ~user/x") == "~user/x");
  CHECK(names("scp -f ~ x") == std::vector<std::string>{".", "x"});
}

TEST_CASE("a pattern keeps what was quoted in it") {
  CHECK(pattern("scp -f /img/ap*.bin") == "/img/ap*.bin");
  CHECK(pattern("scp -f a?") == "a?");
  CHECK(pattern("scp -f a[bc]") == "a[bc]");
  CHECK(pattern("scp -f 'a*'") == "");
  CHECK(pattern("scp -f a\\*") == "");
  CHECK(pattern("scp -f 'a*'*") == "a\\**");
  CHECK(pattern("scp -f \"[\"*\"-\"") == "\\[*\\-");
  CHECK(name("scp -f 'a*'*") == "a**");
  CHECK(pattern("scp -f *" + std::string(1100, 'a')) == "");
}

TEST_CASE("what is not for us, and why") {
  CHECK(refusal("") == "not scp");
  CHECK(refusal("  ") == "not scp");
  CHECK(refusal("ls -l") == "not scp");
  CHECK(refusal("scpx -f x") == "not scp");
  CHECK(refusal("/usr/bin/scp/ -f x") == "not scp");
  CHECK(refusal("scp") == "it takes either -f or -t");
  CHECK(refusal("scp x y") == "it takes either -f or -t");
  CHECK(refusal("scp -t -f x") == "it takes either -f or -t");
  CHECK(refusal("scp -s -f x") == "unknown option -s");
  CHECK(refusal("scp -S/bin/sh -f x") == "unknown option -S");
  CHECK(refusal("scp -f 'x") == "a quote that does not end");
  CHECK(refusal("scp -f \"x") == "a quote that does not end");
  CHECK(refusal("scp -f x\\") == "a backslash at the end");
  CHECK(refusal("scp -f " + std::string(8192, 'x')) == "a command that is too long");
}

TEST_CASE("a shell's own characters are refused") {
  for (const auto* text :
       {"scp -f x; id", "scp -f x;id", "scp -f x|id", "scp -f x && id", "scp -f x & id", "scp -f $(id)",
        "scp -f `id`", "scp -f $HOME", "scp -f \"$HOME\"", "scp -f \"`id`\"", "scp -f x > y", "scp -f x <y",
        "scp -f x\nid", "scp -f x\rid", "(scp -f x)", "scp -f $'x'", "scp -f x #y"}) {
    CAPTURE(text);
    CHECK(refusal(text).ends_with("' would need a shell"));
  }
  CHECK(refusal("scp -f a\0b"s).ends_with("' would need a shell"));
  CHECK(refusal("scp -f 'a\0b'"s).ends_with("' would need a shell"));
  CHECK(refusal("scp -f \"a\0b\""s).ends_with("' would need a shell"));
  CHECK(refusal("scp -f a\\\0b"s).ends_with("' would need a shell"));
}
