#include "server/commands/text_input.hpp"

#include "tests/unit/server/commands/command_run.hpp"

using server::read_text;
namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t most = 64 << 20;

std::string mistake_of(const std::string& name) {
  try {
    read_text(name);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a text is read byte by byte, from a file and from the standard input") {
  const test::TempDir dir;
  using namespace std::string_literals;
  for (const auto& text : {""s, "one\r\ntwo"s, "\0\xff\n"s, std::string(100'000, 'x')}) {
    CHECK(read_text(dir.write("text", text).string()) == text);
    const test::Input typed(text);
    CHECK(read_text("-") == text);
  }
}

TEST_CASE("a text of 64 MiB is read, and none that has a byte more") {
  const test::TempDir dir;
  const auto file = dir.write("text", "");
  fs::resize_file(file, most);
  CHECK(read_text(file.string()).size() == most);
  fs::resize_file(file, most + 1);
  CHECK(mistake_of(file.string()) ==
        file.string() + " is larger than 64 MiB: give only the part that is about images");
}

TEST_CASE("a file that is not there says so") {
  const test::TempDir dir;
  const auto missing = (dir / "missing").string();
  CHECK(mistake_of(missing) == "cannot read " + missing + ": No such file or directory");
  CHECK(mistake_of("") == "cannot read : No such file or directory");
}

TEST_CASE("a folder is no empty file") {
  const test::TempDir dir;
  CHECK(mistake_of(dir.path().string()) == dir.path().string() + " is a folder, not a file");
}
