#include "server/commands/password_file.hpp"

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;

namespace {

constexpr auto utf8 = "\xef\xbb\xbf", utf16 = "\xff\xfe", utf16_backwards = "\xfe\xff";

std::string mistake_of(const std::string& name) {
  try {
    password_from_file(name);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("the password is the first line of the file without its end, and nothing of it is trimmed") {
  const test::TempDir dir;
  using namespace std::string_literals;
  struct Row {
    std::string text, password;
  };
  for (const auto& [text, password] :
       {Row{"secret\n", "secret"}, Row{"secret", "secret"}, Row{"secret\r\nmore\r\n", "secret"},
        Row{"secret\n\n\n", "secret"}, Row{" se cret\t \n", " se cret\t "}, Row{"secret\r\r\n", "secret\r"},
        Row{"", ""}, Row{"\nsecret\n", ""}, Row{"\r\n", ""}, Row{utf8 + "s\xc3\xa9"s, "s\xc3\xa9"},
        Row{utf8 + ""s + utf8 + "x", utf8 + "x"s}, Row{"x" + ""s + utf8, "x" + ""s + utf8},
        Row{"a\0b\n"s, "a\0b"s}}) {
    CHECK(password_from_file(dir.write("password", text).string()).text() == password);
    const test::Input typed(text);
    CHECK(password_from_file("-").text() == password);
  }
}

TEST_CASE("a password that Windows wrote in UTF-16 is refused, with what to do") {
  const test::TempDir dir;
  for (const auto* mark : {utf16, utf16_backwards}) {
    const auto file = dir.write("password", std::string(mark) + "s\n").string();
    CHECK(mistake_of(file) == file + " is written in UTF-16: save it as UTF-8");
    const test::Input typed(mark);
    CHECK(mistake_of("-") == "- is written in UTF-16: save it as UTF-8");
  }
}

TEST_CASE("a password file that is not there is named") {
  const test::TempDir dir;
  const auto missing = (dir / "missing").string();
  CHECK(mistake_of(missing) == "cannot read the password file " + missing);
}
