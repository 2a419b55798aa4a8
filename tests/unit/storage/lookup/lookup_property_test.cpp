#include <doctest/doctest.h>

#include <array>
#include <random>

#include "storage/archives/member_name.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/explain.hpp"
#include "tests/support/host.hpp"
#include "tests/unit/storage/images.hpp"

using storage::AboveRoot;
using namespace std::string_view_literals;

namespace {

constexpr unsigned seed = 20240917;

std::string content_of(const storage::File& file) {
  std::string text(64, '\0');
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  text.resize(file.read(storage::File::Pieces(pieces), 0).value());
  return text;
}

class Names {
 public:
  std::string random_bytes() {
    static constexpr std::string_view likely = "/\\.:@%_-117790aplgEWC\0 "sv;
    std::string name(pick(40), '\0');
    for (char& c : name) c = pick(4) ? likely[pick(likely.size())] : static_cast<char>(pick(256));
    return name;
  }

  std::string mutated() {
    std::string name(valid[pick(std::size(valid))]);
    for (auto times = pick(4); times > 0; --times) mutate(name);
    return name;
  }

 private:
  static constexpr std::string_view valid[]{"/EWC/17_9_4a/ap1g8",
                                            "/EWC/17.09.04a/ap1g6",
                                            "EWC/17_12_1/ap1g6b",
                                            "/ME/8_10_185_0/ap3g3",
                                            "C:\\TFTP\\EWC\\17_9_4a\\ap1g7",
                                            "tftp://host/EWC_17_9_4a/ap1g4",
                                            "ewc@host:EWC/current/ap1g6a",
                                            "/home/x/EWC_17_6_5/ap1g8",
                                            "/other/out/ap1g8",
                                            "/other/passwd",
                                            "/other/up/ap1g8",
                                            "../secret/passwd",
                                            "/EWC/17.9.4.27/ap1g5"};
  static constexpr std::string_view snippets[]{
      "..", "/", "\\", "//",     "/../",      "\\..\\",  "./", "C:", "l",    "1",           "I",     "0",
      "O",  "a", "g9", "%2e%2e", "tftp://h/", "secret/", "_",  ".",  "\0"sv, "/other/out/", "passwd"};

  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  void mutate(std::string& name) {
    const auto at = pick(name.size() + 1), kind = pick(5);
    if (kind == 0) name.erase(at, 1 + pick(3));
    if (kind == 1) name.insert(at, snippets[pick(std::size(snippets))]);
    if (kind == 2) name.insert(0, snippets[pick(std::size(snippets))]);
    if (kind == 3 && at < name.size()) name[at] = static_cast<char>(name[at] ^ 0x20);
    if (kind == 4 && at < name.size()) name[at] = static_cast<char>(pick(256));
  }

  std::mt19937 random_{seed};
};

// What follows the last separator: the file's own name.
std::string name_in(std::string_view asked) {
  while (asked.ends_with('/') || asked.ends_with('\\')) asked.remove_suffix(1);
  const auto separator = asked.find_last_of("/\\:");
  return std::string(separator == std::string_view::npos ? asked : asked.substr(separator + 1));
}

template <class Check>
void for_each_name(const storage::Root& root, AboveRoot above, const storage::LookupSettings& settings,
                   Check check) {
  Names names;
  const storage::Catalogue catalogue(root);
  for (int i = 0; i < 2'000; ++i) {
    const auto asked = i % 3 == 0 ? names.random_bytes() : names.mutated();
    CAPTURE(asked);
    const auto found = storage::find_image(root, catalogue, asked, above, settings);
    if (found) {
      check(asked, *found);
    } else {
      CHECK(storage::explain_miss(root, catalogue, asked, found.error()).error);
    }
  }
}

}  // namespace

TEST_CASE("whatever is asked, what is opened lies inside the root") {
  const test::Images images;
  auto settings = images.forgiving;
  settings.aliases = {{*storage::Path::parse("/home"), *storage::Path::parse("/other/out")},
                      {*storage::Path::parse("/EWC/17.09.04a"), {}}};
  int opened = 0;
  for (const auto above : {AboveRoot::refused, AboveRoot::stays}) {
    for_each_name(images.root, above, settings, [&](const auto&, const storage::Found& found) {
      ++opened;
      REQUIRE_FALSE(content_of(found.file).starts_with("secret"));
      const auto home = storage::utf8_of(std::filesystem::canonical(images.path));
      REQUIRE(storage::utf8_of(test::place_of(found.file.handle())).starts_with(home + "/"));
    });
  }
  CHECK(opened > 300);
}

TEST_CASE("whatever is asked, the file served has the name asked, but for case") {
  const test::Images images;
  int opened = 0;
  for_each_name(images.root, AboveRoot::refused, images.forgiving,
                [&](const std::string& asked, const storage::Found& found) {
                  ++opened;
                  if (asked.ends_with("..") || asked.ends_with("/.") || asked.ends_with("\\.")) return;
                  REQUIRE(storage::folded(found.path.name()) == storage::folded(name_in(asked)));
                  const auto content = content_of(found.file);
                  if (content.starts_with('/'))
                    REQUIRE(content.substr(content.rfind('/') + 1) == found.path.name());
                });
  CHECK(opened > 300);
}
