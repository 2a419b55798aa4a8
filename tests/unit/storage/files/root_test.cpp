#include "storage/files/root.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "tests/support/temp_dir.hpp"

using storage::Kind;
using storage::Links;
using storage::Path;
using storage::Root;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

std::string content(const storage::File& file) {
  std::string text(4096, '\0');
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  text.resize(file.read(pieces, 0).value());
  return text;
}

}  // namespace

TEST_CASE("what is inside is opened, and what is missing or of the wrong kind is told apart") {
  const test::TempDir dir;
  dir.write("secret", "outside");
  dir.write("root/EWC/17_9_4a/ap1g8", "image");
  for (const auto resolver : {Root::Resolver::automatic, Root::Resolver::components}) {
    CAPTURE(static_cast<int>(resolver));
    const Root root(dir / "root", resolver);
    CHECK(content(*root.open_file(path("/EWC/17_9_4a/ap1g8"))) == "image");
    CHECK(root.open_file(path("/nothing")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/EWC/nothing/ap1g8")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/secret")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/EWC/17_9_4A/ap1g8")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/EWC/17_9_4a/ap1g8/x")).error() == std::errc::not_a_directory);
    CHECK(root.open_file(path("/EWC")).error() == std::errc::is_a_directory);
    CHECK(root.open_file(path("/")).error() == std::errc::is_a_directory);
    CHECK(root.open_directory(path("/EWC/17_9_4a/ap1g8")).error() == std::errc::not_a_directory);
    CHECK(root.attributes(path("/"))->kind == Kind::directory);
    CHECK(root.attributes(path("/EWC/17_9_4a/ap1g8"))->size == 5);
    CHECK(root.link_target(path("/EWC")).error() == std::errc::invalid_argument);
    CHECK(root.link_target(path("/no")).error() == std::errc::no_such_file_or_directory);
    const auto sub = root.subroot(path("/EWC")).value();
    CHECK(content(*sub.open_file(path("/17_9_4a/ap1g8"))) == "image");
  }
}

TEST_CASE("a folder is read in portions") {
  const test::TempDir dir;
  const std::set<std::string> all{"EWC", "ME", "a", "b", "c"};
  for (const auto& name : all) dir.write(name, "");
  auto folder = Root(dir.path()).open_directory(path("/")).value();
  std::set<std::string> names;
  for (auto some = folder.read(2).value(); !some.empty(); some = folder.read(2).value()) {
    CHECK(some.size() <= 2);
    for (const auto& entry : some) names.insert(entry.name);
  }
  CHECK(names == all);
}

TEST_CASE("a file is moved in, to a place inside and onto nothing") {
  const test::TempDir dir;
  dir.write("root/etc/passwd", "inside");
  const Root root(dir / "root");
  const auto file = dir.write("new", "moved");
  CHECK(root.adopt(file, path("/")).error() == std::errc::is_a_directory);
  CHECK(root.adopt(file, path("/nothing/new")).error() == std::errc::no_such_file_or_directory);
  CHECK(root.adopt(file, path("/etc/passwd/new")).error() == std::errc::not_a_directory);
  for (const auto taken : {"/etc", "/etc/passwd"}) {
    CAPTURE(taken);
    CHECK(root.adopt(file, path(taken)).error() == std::errc::file_exists);
  }
  CHECK(root.adopt(file, path("/etc/new")));
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(content(*root.open_file(path("/etc/new"))) == "moved");
}

TEST_CASE("a pointer leads to the folder that it names") {
  const test::TempDir dir;
  dir.write("EWC/17_9_4a/ap1g8", "image");
  dir.write("EWC/current", "17_9_4a\r\n");
  dir.write("lab/current", "gone\n");
  for (const auto resolver : {Root::Resolver::automatic, Root::Resolver::components}) {
    CAPTURE(static_cast<int>(resolver));
    const Root root(dir.path(), resolver);
    CHECK(content(root.open_file(path("/EWC/current/ap1g8")).value()) == "image");
    CHECK(content(root.subroot(path("/EWC/current")).value().open_file(path("/ap1g8")).value()) == "image");
    CHECK(root.attributes(path("/EWC/current"))->kind == Kind::directory);
    CHECK(root.attributes(path("/EWC/current"), Links::keep)->kind == Kind::link);
    CHECK(root.link_target(path("/EWC/current")) == "17_9_4a");
    CHECK(root.open_file(path("/EWC/current/no")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/lab/current/x")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.link_target(path("/lab/current")) == "gone");
  }
}

TEST_CASE("what a client sent is never a pointer") {
  const test::TempDir dir;
  dir.write("uploads/17_9_4a/secret", "x");
  dir.write("uploads/current", "17_9_4a\n");
  for (const auto resolver : {Root::Resolver::automatic, Root::Resolver::components}) {
    const Root root(dir.path(), resolver);
    const auto uploads = root.subroot(path("/uploads")).value();
    for (const auto& [where, name] : {std::pair{&root, "/uploads/current"}, {&uploads, "/current"}}) {
      CHECK(content(where->open_file(path(name)).value()) == "17_9_4a\n");
      CHECK(where->attributes(path(name), Links::keep)->kind == Kind::file);
      CHECK(where->open_file(path(name) / "secret").error() == std::errc::not_a_directory);
      CHECK(where->link_target(path(name)).error() == std::errc::invalid_argument);
    }
    const auto entries = uploads.open_directory(path("/")).value().read(10).value();
    for (const auto& entry : entries) CHECK(entry.attributes.kind != Kind::link);
  }
}

TEST_CASE("a file is read at any offset, piecewise, and ends where it ends") {
  const test::TempDir dir;
  dir.write("f", "0123456789");
  const auto file = Root(dir.path()).open_file(path("/f")).value();
  CHECK(file.at_open().size == 10);
  std::array<std::byte, 3> first{};
  std::array<std::byte, 20> second{};
  const std::array<std::span<std::byte>, 2> pieces{first, second};
  CHECK(file.read(pieces, 4) == 6);
  CHECK(first[0] == std::byte{'4'});
  CHECK(second[2] == std::byte{'9'});
  CHECK(file.read(pieces, 10) == 0);
  CHECK(file.read(pieces, 1000) == 0);
}

TEST_CASE("a file that is cut short while it is open reads short, and says so") {
  const test::TempDir dir;
  const auto name = dir.write("f", "0123456789");
  const auto file = Root(dir.path()).open_file(path("/f")).value();
  std::filesystem::resize_file(name, 4);
  std::array<std::byte, 10> bytes{};
  const std::array<std::span<std::byte>, 1> pieces{bytes};
  CHECK(file.read(pieces, 0) == 4);
  CHECK(file.attributes()->size == 4);
}

TEST_CASE("a read that must not wait answers from memory, or says that it would wait") {
  const test::TempDir dir;
  dir.write("f", "0123456789");
  const auto file = Root(dir.path()).open_file(path("/f")).value();
  std::array<std::byte, 10> bytes{};
  const std::array<std::span<std::byte>, 1> pieces{bytes};
  const auto got = file.read_cached(pieces, 0);
  if (got) {
    CHECK(*got == 10);
  } else {
    CHECK(got.error() == std::errc::operation_would_block);
  }
}

TEST_CASE("a root that is not a directory is an error that names it") {
  const test::TempDir dir;
  dir.write("f", "");
  CHECK_THROWS_WITH_AS(Root(dir / "f"), doctest::Contains(storage::utf8_of(dir / "f").c_str()),
                       std::system_error);
}
