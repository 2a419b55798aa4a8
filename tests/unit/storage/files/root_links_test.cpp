#include "storage/files/root.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

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

// Outside and inside, side by side, so that a link can try to lead from one to the other.
struct House {
  test::TempDir dir;
  House() {
    dir.write("secret", "outside");
    dir.write("root/EWC/17_9_4a/ap1g8", "image");
    dir.write("root/etc/passwd", "inside");
    link("../../secret", "root/up");
    link((dir / "secret").string(), "root/absolute");
    link("/etc/passwd", "root/as_in_a_chroot");
    link("EWC/17_9_4a", "root/current");
    link("../../../../../../../../etc/passwd", "root/EWC/climbs");
    link("loop", "root/loop");
    link("..", "root/EWC/parent");
    link("nowhere", "root/dangling");
    ::mkfifo((dir / "root/fifo").c_str(), 0644);
  }
  void link(const std::string& target, std::string_view name) const {
    std::filesystem::create_symlink(target, dir / name);
  }
};

}  // namespace

TEST_CASE("both resolvers open what is inside, and nothing else") {
  const House house;
  for (const auto resolver :
       {Root::Resolver::kernel, Root::Resolver::components, Root::Resolver::automatic}) {
    CAPTURE(static_cast<int>(resolver));
    const Root root(house.dir / "root", resolver);

    SUBCASE("files, and links that stay inside") {
      CHECK(content(*root.open_file(path("/EWC/17_9_4a/ap1g8"))) == "image");
      CHECK(content(*root.open_file(path("current/ap1g8"))) == "image");
      CHECK(content(*root.open_file(path("/as_in_a_chroot"))) == "inside");
      CHECK(content(*root.open_file(path("/EWC/parent/etc/passwd"))) == "inside");
      CHECK(content(*root.open_file(path("/EWC/climbs"))) == "inside");
    }
    SUBCASE("a link tells where it leads, wherever that is, and nothing else does") {
      CHECK(*root.link_target(path("/current")) == "EWC/17_9_4a");
      CHECK(*root.link_target(path("/up")) == "../../secret");
      CHECK(*root.link_target(path("/dangling")) == "nowhere");
      CHECK(root.link_target(path("/etc/passwd")).error() == std::errc::invalid_argument);
      CHECK(root.link_target(path("/etc")).error() == std::errc::invalid_argument);
      CHECK(root.link_target(path("/no")).error() == std::errc::no_such_file_or_directory);
    }
    SUBCASE("links that would lead out end at the root") {
      CHECK(root.open_file(path("/up")).error() == std::errc::no_such_file_or_directory);
      CHECK(root.open_file(path("/absolute")).error() == std::errc::no_such_file_or_directory);
    }
    SUBCASE("what is missing, or of the wrong kind, is told apart") {
      CHECK(root.open_file(path("/nothing")).error() == std::errc::no_such_file_or_directory);
      CHECK(root.open_file(path("/dangling")).error() == std::errc::no_such_file_or_directory);
      CHECK(root.open_file(path("/etc/passwd/x")).error() == std::errc::not_a_directory);
      CHECK(root.open_file(path("/EWC")).error() == std::errc::is_a_directory);
      CHECK(root.open_file(path("/")).error() == std::errc::is_a_directory);
      CHECK(root.open_file(path("/loop")).error() == std::errc::too_many_symbolic_link_levels);
      CHECK(root.open_file(path("/fifo")).error() == std::errc::operation_not_permitted);
      CHECK(root.open_directory(path("/etc/passwd")).error() == std::errc::not_a_directory);
    }
    SUBCASE("attributes follow a link or look at it") {
      CHECK(root.attributes(path("/current"))->kind == Kind::directory);
      CHECK(root.attributes(path("/current"), Links::keep)->kind == Kind::link);
      CHECK(root.attributes(path("/EWC/17_9_4a/ap1g8"))->size == 5);
      CHECK(root.attributes(path("/"))->kind == Kind::directory);
      CHECK(root.attributes(path("/fifo"))->kind == Kind::other);
      CHECK(root.attributes(path("/up")).error() == std::errc::no_such_file_or_directory);
    }
    SUBCASE("a directory is read in portions") {
      auto directory = root.open_directory(path("/")).value();
      std::set<std::string> names;
      for (auto some = directory.read(2).value(); !some.empty(); some = directory.read(2).value()) {
        CHECK(some.size() <= 2);
        for (const auto& entry : some) names.insert(entry.name);
      }
      CHECK(names == std::set<std::string>{"EWC", "etc", "up", "absolute", "as_in_a_chroot", "current",
                                           "loop", "dangling", "fifo"});
    }
    SUBCASE("a folder of the root is a root of its own") {
      const auto sub = root.subroot(path("/EWC")).value();
      CHECK(content(*sub.open_file(path("/17_9_4a/ap1g8"))) == "image");
      CHECK(sub.open_file(path("/parent/etc/passwd")).error() == std::errc::no_such_file_or_directory);
    }
    SUBCASE("a file is moved in, to a place inside and onto nothing") {
      const auto file = house.dir.write("new", "moved");
      CHECK(root.adopt(file, path("/")).error() == std::errc::is_a_directory);
      CHECK(root.adopt(file, path("/nothing/new")).error() == std::errc::no_such_file_or_directory);
      CHECK(root.adopt(file, path("/etc/passwd/new")).error() == std::errc::not_a_directory);
      for (const auto taken : {"/etc", "/etc/passwd", "/dangling", "/fifo"}) {
        CAPTURE(taken);
        CHECK(root.adopt(file, path(taken)).error() == std::errc::file_exists);
      }
      CHECK(root.adopt(file, path("/current/new")));
      CHECK_FALSE(std::filesystem::exists(file));
      CHECK(content(*root.open_file(path("/EWC/17_9_4a/new"))) == "moved");
      house.dir.write("new", "climbs");
      CHECK(root.adopt(file, path("/EWC/parent/new")));
      CHECK(content(*root.open_file(path("/new"))) == "climbs");
      std::filesystem::remove(house.dir / "root/EWC/17_9_4a/new");
      std::filesystem::remove(house.dir / "root/new");
    }
  }
}

TEST_CASE("a pointer is a link, whoever asks and however the name leads there") {
  const test::TempDir dir;
  dir.write("EWC/17_9_4a/ap1g8", "image");
  dir.write("EWC/17_9_4a/version.info", "17.9.4.27\n");
  dir.write("EWC/current", "17_9_4a\r\n");
  dir.write("lab/current", "gone\n");
  dir.write("image/current", "an image\nof two lines");
  dir.write("around/current", "back\n");
  for (const auto& [target, name] : {std::pair{"EWC/current", "wlc"},
                                     {"wlc", "again"},
                                     {"/EWC/current/ap1g8", "one"},
                                     {"current", "around/back"},
                                     {"../17_9_4a", "EWC/17_9_4a/own"}})
    std::filesystem::create_symlink(target, dir / name);
  for (const auto resolver : {Root::Resolver::kernel, Root::Resolver::components}) {
    CAPTURE(static_cast<int>(resolver));
    const Root root(dir.path(), resolver);

    for (const auto* name : {"/EWC/current/ap1g8", "/wlc/ap1g8", "/again/ap1g8", "/one", "/wlc/own/ap1g8"}) {
      CAPTURE(name);
      CHECK(content(root.open_file(path(name)).value()) == "image");
    }
    CHECK(content(root.open_file(path("/wlc/version.info")).value()) == "17.9.4.27\n");
    CHECK(content(root.subroot(path("/EWC/current")).value().open_file(path("/ap1g8")).value()) == "image");
    CHECK(content(root.subroot(path("/EWC")).value().open_file(path("/current/ap1g8")).value()) == "image");
    for (const auto* name : {"/EWC/current", "/wlc"}) {
      CHECK(root.open_file(path(name)).error() == std::errc::is_a_directory);
      CHECK(root.attributes(path(name))->kind == Kind::directory);
      CHECK(root.attributes(path(name), Links::keep)->kind == Kind::link);
      CHECK(root.open_directory(path(name)).value().read(10)->size() == 3);
    }
    CHECK(root.link_target(path("/EWC/current")) == "17_9_4a");
    CHECK(root.attributes(path("/EWC/current"), Links::keep)->size == 7);
    CHECK(root.attributes(path("/EWC/current"), Links::keep)->mode == 0120777);
    CHECK(root.open_file(path("/EWC/current/no")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.open_file(path("/EWC/current/ap1g8/x")).error() == std::errc::not_a_directory);
    const auto entries = root.open_directory(path("/EWC")).value().read(10).value();
    REQUIRE(entries.size() == 2);
    for (const auto& entry : entries)
      CHECK(entry.attributes.kind == (entry.name == "current" ? Kind::link : Kind::directory));

    CHECK(root.open_file(path("/lab/current/x")).error() == std::errc::no_such_file_or_directory);
    CHECK(root.link_target(path("/lab/current")) == "gone");
    CHECK(root.open_file(path("/around/current/x")).error() == std::errc::too_many_symbolic_link_levels);
    CHECK(content(root.open_file(path("/image/current")).value()) == "an image\nof two lines");
    CHECK(root.open_file(path("/image/current/x")).error() == std::errc::not_a_directory);
    CHECK(root.attributes(path("/image/current"), Links::keep)->kind == Kind::file);
  }
}
