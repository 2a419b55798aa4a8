#include "storage/releases/manifest.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/temp_dir.hpp"

using storage::Manifest;

namespace {

const std::string digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Manifest example() {
  return {"/EWC/17_9_4a",
          "C9800-AP-universalk9.17.09.04a.zip",
          "2026-11-20T11:10:23Z",
          "17.09.04a.0.6",
          "17.9.4.27",
          {{"C9800-AP-iosxe-wlc.bin", 301257756, digest}, {"ap1g8", 0, digest}, {"yes", 1ULL << 40, digest}}};
}

std::string yaml(std::string_view members) {
  return "path: /EWC/17_9_4a\nbundle: b\nimported_at: t\ncontroller_version: \"\"\nap_version: "
         "\"\"\nmembers: " +
         std::string(members) + "\n";
}

std::string complaint(const std::filesystem::path& file) {
  try {
    storage::load_manifest(file);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a manifest comes back as it was saved") {
  const test::TempDir dir;
  storage::save(example(), dir / "m.yaml");
  const auto loaded = storage::load_manifest(dir / "m.yaml");
  REQUIRE(loaded);
  CHECK(loaded->path == example().path);
  CHECK(loaded->bundle == example().bundle);
  CHECK(loaded->imported_at == example().imported_at);
  CHECK(loaded->controller_version == example().controller_version);
  CHECK(loaded->ap_version == example().ap_version);
  CHECK(loaded->members == example().members);
  CHECK(loaded->verified);
  CHECK(loaded->origins.empty());
}

TEST_CASE("what came with the import, and whether it is verified, comes back") {
  const test::TempDir dir;
  Manifest manifest = example();
  manifest.origins = {{"a \x04\"b\".zip", std::string(128, 'a'), std::string(32, 'b'), false},
                      {"c", std::string(128, 'c'), std::string(32, 'd'), true}};
  manifest.verified = false;
  storage::save(manifest, dir / "m.yaml");
  CHECK(storage::load_manifest(dir / "m.yaml")->origins == manifest.origins);
  CHECK_FALSE(storage::load_manifest(dir / "m.yaml")->verified);
}

TEST_CASE("names that YAML could mistake come back too") {
  const test::TempDir dir;
  Manifest manifest = example();
  manifest.bundle = "null";
  manifest.members.clear();
  for (const auto name : {"- x", "#1", "*a", "1e3", "null", "tr\"ue", "{a}", "\xc3\xa4"})
    manifest.members.push_back({name, 1, digest});
  std::ranges::sort(manifest.members, {}, &storage::Member::name);
  storage::save(manifest, dir / "m.yaml");
  CHECK(storage::load_manifest(dir / "m.yaml")->members == manifest.members);
  CHECK(storage::load_manifest(dir / "m.yaml")->bundle == "null");
}

TEST_CASE("a manifest is for the group too where the folder is") {
  namespace fs = std::filesystem;
  const test::TempDir dir;
  const auto mode_in = [&](unsigned folder) {
    fs::permissions(dir.path(), fs::perms(folder));
    storage::save(example(), dir / "m.yaml");
    return fs::status(dir / "m.yaml").permissions() & fs::perms::mask;
  };
  CHECK(mode_in(0700) == fs::perms(0600));
  CHECK(mode_in(0750) == fs::perms(0640));
  CHECK(mode_in(0755) == fs::perms(0640));
}

TEST_CASE("no manifest is no error") {
  const test::TempDir dir;
  CHECK_FALSE(storage::load_manifest(dir / "none.yaml"));
}

TEST_CASE("a damaged or hostile manifest is refused by name") {
  const test::TempDir dir;
  const std::string good = "{name: a, size: 1, sha256: " + digest + "}";
  REQUIRE(complaint(dir.write("m.yaml", yaml("[" + good + "]"))).empty());
  const std::string bad[] = {"",
                             "\t",
                             "[",
                             "path: [",
                             "- a",
                             "!!binary x: {",
                             "&a [*a]",
                             std::string(5000, '['),
                             yaml(""),
                             yaml("{}"),
                             yaml("[1]"),
                             yaml("[" + good + "," + good + "]"),
                             yaml("[{name: ../a, size: 1, sha256: " + digest + "}]"),
                             yaml("[{name: .., size: 1, sha256: " + digest + "}]"),
                             yaml("[{name: a, size: -1, sha256: " + digest + "}]"),
                             yaml("[{name: a, size: x, sha256: " + digest + "}]"),
                             yaml("[{name: a, sha256: " + digest + "}]"),
                             yaml("[{name: a, size: 1, sha256: short}]"),
                             yaml("[{name: [], size: 1, sha256: " + digest + "}]"),
                             ",",
                             ",{name: a}",
                             "[,]",
                             yaml("[]") + "---\n" + yaml("[]"),
                             yaml("[]") + "...\n" + yaml("[]"),
                             yaml("[]") + "\x04" + "rest",
                             yaml("[]").insert(5, 1, '\x04'),
                             yaml("[" + good + "]") + "verified: perhaps\n",
                             yaml("[]") + "origins: {}\n",
                             yaml("[]") + "origins: [{name: a, sha512: x, md5: x, verified: true}]\n",
                             "path: /../x\n" + yaml("[]").substr(yaml("[]").find('\n') + 1),
                             "path: EWC\n" + yaml("[]").substr(yaml("[]").find('\n') + 1)};
  for (const auto& text : bad) {
    const auto file = dir.write("m.yaml", text);
    CAPTURE(text);
    CHECK(complaint(file).find(file.string()) != std::string::npos);
  }
}

TEST_CASE("a manifest that was cut anywhere is refused or holds what was saved") {
  const test::TempDir dir;
  storage::save(example(), dir / "m.yaml");
  std::ifstream in(dir / "m.yaml", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    dir.write("m.yaml", whole.substr(0, size));
    try {
      const auto loaded = storage::load_manifest(dir / "m.yaml");
      REQUIRE(loaded);
      // Cut between two members it is whole YAML; the sizes on the disk tell then.
      CHECK(std::equal(loaded->members.begin(), loaded->members.end(), example().members.begin()));
    } catch (const std::runtime_error&) {
      continue;
    }
  }
}

TEST_CASE("a folder or a FIFO in the place of a manifest is refused") {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "m.yaml");
  CHECK_FALSE(complaint(dir / "m.yaml").empty());
}
