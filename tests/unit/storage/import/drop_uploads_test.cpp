#include "storage/import/drop_uploads.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "storage/depot/arriving.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "storage/releases/manifest.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::AnnouncedFile;
using storage::DropUploads;
using Why = storage::DropUploadFault::Why;

namespace {

constexpr auto digest_of_hello =
    "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7"
    "2323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";

struct Site {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::UploadAccount account{depot, {.reserve = 0}, std::chrono::steady_clock::now};
  DropUploads uploads{account};
  // The files of a test have the time of its run.
  std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();

  std::string begin(const AnnouncedFile& file) {
    const auto begun = uploads.begin(file, now);
    REQUIRE(begun);
    return begun->id;
  }
  auto append(const std::string& id, std::uint64_t offset, std::string_view text) {
    return uploads.append(id, offset, std::as_bytes(std::span(text)));
  }
  fs::path folder(const std::string& id) const { return storage::arriving_in(depot) / id; }
  std::vector<std::string> dropped() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(depot.drop()))
      names.push_back(entry.path().filename().string());
    return names;
  }
};

AnnouncedFile hello(const std::string& name = "hello.zip") {
  return {"maria", name, 5, "2026-11-28T02:14:07Z", ""};
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class Result>
Why why(const Result& result) {
  REQUIRE_FALSE(result);
  CHECK_FALSE(result.error().text.empty());
  return result.error().why;
}

}  // namespace

TEST_CASE("an upload in pieces is in drop/ when it is whole, and not before") {
  Site site;
  const auto id = site.begin(hello());
  REQUIRE(site.append(id, 0, "he"));
  CHECK(site.uploads.publish(id)->offset == 2);
  CHECK(site.dropped().empty());
  REQUIRE(site.append(id, 2, "llo"));
  CHECK(site.dropped().empty());

  REQUIRE(site.uploads.publish(id));

  CHECK(site.dropped() == std::vector<std::string>{"hello.zip"});
  CHECK(content_of(site.depot.drop() / "hello.zip") == "hello");
  CHECK_FALSE(fs::exists(site.folder(id)));
  // Whoever did not hear of it can ask.
  CHECK(site.uploads.find(id)->is_whole());
}

TEST_CASE("the same file goes on where it stopped, also after a restart") {
  Site site;
  const auto id = site.begin(hello());
  REQUIRE(site.append(id, 0, "hel"));
  storage::sweep_staging(storage::staging_areas(site.depot));

  DropUploads after(site.account);
  after.sweep(site.now);
  const auto again = after.begin(hello(), site.now);

  REQUIRE(again);
  CHECK(again->id == id);
  CHECK(again->offset == 3);
  REQUIRE(after.append(id, 3, std::as_bytes(std::span(std::string_view("lo")))));
  REQUIRE(after.publish(id));
  CHECK(content_of(site.depot.drop() / "hello.zip") == "hello");
}

TEST_CASE("another user, size or time is another file") {
  Site site;
  const auto id = site.begin(hello());
  auto other = hello();
  other.owner = "token noc";
  CHECK(site.begin(other) != id);
  auto longer = hello();
  longer.size = 6;
  CHECK(site.begin(longer) != id);
}

TEST_CASE("a piece counts only where it belongs") {
  Site site;
  const auto id = site.begin(hello());
  REQUIRE(site.append(id, 0, "hel"));

  const auto other = site.append(id, 2, "llo");
  CHECK(why(other) == Why::offset);
  CHECK(other.error().offset == 3);
  CHECK(why(site.append(id, 3, "lo and more")) == Why::too_long);
  CHECK(site.uploads.find(id)->offset == 3);
  CHECK(content_of(site.folder(id) / "content") == "hel");
}

TEST_CASE("of two that send the same at once one goes on") {
  Site site;
  auto file = hello();
  file.size = 200;
  const auto id = site.begin(file);
  const auto send = [&](char mark, int& taken) {
    for (std::uint64_t at = 0; at < file.size; at += 2)
      if (site.append(id, at, std::string(2, mark))) ++taken;
  };
  int first = 0, second = 0;
  {
    std::jthread one([&] { send('a', first); });
    std::jthread two([&] { send('b', second); });
  }

  CHECK(first + second == static_cast<int>(site.uploads.find(id)->offset / 2));
  const auto content = content_of(site.folder(id) / "content");
  for (std::size_t at = 0; at + 1 < content.size(); at += 2) CHECK(content[at] == content[at + 1]);
}

TEST_CASE("an id leads nowhere else") {
  Site site;
  site.dir.write("state/staging/other/note", "x");
  for (const auto* id :
       {"", ".", "..", "../other", "0123456789abcdeg", "0123456789abcdef", "0123456789ABCDEF"}) {
    CHECK_MESSAGE(why(site.uploads.find(id)) == Why::gone, id);
    CHECK_MESSAGE(why(site.append(id, 0, "x")) == Why::gone, id);
    CHECK_MESSAGE(why(site.uploads.publish(id)) == Why::gone, id);
    CHECK_MESSAGE(why(site.uploads.remove(id)) == Why::gone, id);
  }
}

TEST_CASE("a name that is taken is not replaced, and the upload waits") {
  Site site;
  const auto id = site.begin(hello());
  REQUIRE(site.append(id, 0, "hello"));
  const auto other = site.dir.write("drop/hello.zip", "another");

  CHECK(why(site.uploads.publish(id)) == Why::taken);
  CHECK(content_of(other) == "another");
  auto next = hello();
  next.owner = "noc";
  CHECK(why(site.uploads.begin(next, site.now)) == Why::taken);
  fs::remove(other);

  CHECK(site.uploads.begin(hello(), site.now)->is_whole());
  CHECK(content_of(site.depot.drop() / "hello.zip") == "hello");
}

TEST_CASE("a digest that was announced is compared") {
  Site site;
  auto file = hello();
  file.sha512 = digest_of_hello;
  const auto good = site.begin(file);
  REQUIRE(site.append(good, 0, "hello"));
  REQUIRE(site.uploads.publish(good));

  file.name = "other.zip";
  const auto bad = site.begin(file);
  REQUIRE(site.append(bad, 0, "hallo"));
  CHECK(why(site.uploads.publish(bad)) == Why::wrong_digest);
  CHECK(site.dropped() == std::vector<std::string>{"hello.zip"});
  CHECK_FALSE(fs::exists(site.folder(bad)));
}

TEST_CASE("a file that a release came out of is not uploaded again while the release is there") {
  Site site;
  const auto release = site.depot.images() / "EWC/17_9_4a";
  fs::create_directories(release);
  fs::create_directories(site.depot.manifests() / "EWC");
  std::ofstream(site.depot.manifests() / "EWC/damaged.yaml") << "[";
  storage::Manifest manifest;
  manifest.path = "/EWC/17_9_4a";
  manifest.origins = {{"other.zip", digest_of_hello, std::string(32, '0')}};
  storage::save(manifest, site.depot.manifests() / "EWC/17_9_4a.yaml");
  auto file = hello();
  site.begin(file);  // nobody says what it is
  file.sha512 = digest_of_hello;

  const auto refused = site.uploads.begin(file, site.now);

  CHECK(why(refused) == Why::published);
  CHECK(refused.error().text.starts_with("/EWC/17_9_4a "));
  fs::remove(release);
  site.begin(file);
}

TEST_CASE("a login has two at once, and one that was left does not count") {
  Site site;
  site.begin(hello("1.zip"));
  site.begin(hello("2.zip"));

  CHECK(why(site.uploads.begin(hello("3.zip"), site.now)) == Why::too_many);
  auto noc = hello("3.zip");
  noc.owner = "noc";
  CHECK(site.uploads.begin(noc, site.now));
  CHECK(site.uploads.begin(hello("3.zip"), site.now + DropUploads::at_once.count() + 1));
}

TEST_CASE("there is a bound to all") {
  Site site;
  site.now += 3600;  // all are left
  for (std::size_t n = 0; n < DropUploads::most; ++n) site.begin(hello(std::to_string(n) + ".zip"));

  CHECK(why(site.uploads.begin(hello(), site.now)) == Why::too_many);
}

TEST_CASE("what does not fit on the disk beyond the reserve is not begun, nor written") {
  Site site;
  const auto id = site.begin(hello());
  auto huge = hello("huge.zip");
  huge.size = ~std::uint64_t{0};
  CHECK(why(site.uploads.begin(huge, site.now)) == Why::no_room);
  huge.size = std::uint64_t{1} << 60;
  CHECK(why(site.uploads.begin(huge, site.now)) == Why::no_room);

  site.account.bound_by({.reserve = ~std::uint64_t{0}});
  CHECK(why(site.append(id, 0, "hello")) == Why::no_room);
  CHECK(site.uploads.find(id)->offset == 0);
}

TEST_CASE("what was left for a day is swept, and what is fresh or in use is not") {
  Site site;
  const auto id = site.begin(hello());
  site.dir.write("state/staging/uploads/0123456789abcdef/content", "without a note");
  site.uploads.sweep(site.now + 23 * 3600);
  CHECK(fs::exists(site.folder(id)));
  CHECK_FALSE(fs::exists(site.folder("0123456789abcdef")));
  {
    const storage::DirectoryLock lock(site.folder(id));
    site.uploads.sweep(site.now + 25 * 3600);
    CHECK(fs::exists(site.folder(id)));
  }

  site.uploads.sweep(site.now + 25 * 3600);
  CHECK_FALSE(fs::exists(site.folder(id)));
}

TEST_CASE("the sweep removes its own half copies in drop/, and nothing where a link there leads") {
  Site site;
  constexpr auto half = "0123456789abcdef";
  const auto copies = site.depot.drop() / ".arriving";
  fs::create_directory(copies);
  fs::permissions(copies, fs::perms::owner_all);
  site.dir.write(std::string("drop/.arriving/") + half, "hel");
  site.dir.write("drop/.arriving/hello.zip", "somebody's");
  site.uploads.sweep(site.now);
  CHECK_FALSE(fs::exists(copies / half));
  CHECK(fs::exists(copies / "hello.zip"));

  fs::remove_all(copies);
  site.dir.write(std::string("images/EWC/") + half, "image");
  fs::create_symlink("../images/EWC", copies);
  site.uploads.sweep(site.now);
  CHECK(content_of(site.depot.images() / "EWC" / half) == "image");
}

TEST_CASE("what was whole when the server was killed is published by the sweep") {
  Site site;
  const auto id = site.begin(hello());
  REQUIRE(site.append(id, 0, "hello"));

  DropUploads after(site.account);
  after.sweep(site.now);

  CHECK(content_of(site.depot.drop() / "hello.zip") == "hello");
  CHECK_FALSE(fs::exists(site.folder(id)));
}

TEST_CASE("an upload that is removed is gone") {
  Site site;
  const auto id = site.begin(hello());
  CHECK(site.uploads.remove(id)->file.name == "hello.zip");
  CHECK(why(site.uploads.find(id)) == Why::gone);
  CHECK_FALSE(fs::exists(site.folder(id)));
}

TEST_CASE("a folder that somebody damaged is no upload") {
  Site site;
  const auto id = site.begin(hello());
  for (const auto* text : {"", "apdepot upload 1\n", "x\ny\nz\n1\n\n\n",
                           "apdepot upload 1\nm\nh.zip\n-1\n\n\n", "apdepot upload 1\nm\nh.zip\n5 \n\n\n"}) {
    site.dir.write("state/staging/uploads/" + id + "/note", text);
    CHECK_MESSAGE(why(site.uploads.find(id)) == Why::gone, text);
  }
}

TEST_CASE("only the name of a file that may be imported is taken") {
  for (const auto* name : {"C9800-AP-universalk9.17.09.04a.zip", "ArubaInstant_Ursa_8.10.0.6_87208",
                           "SHA512SUMS", "a.zip.sha512", "\xc3\xa4.zip"})
    CHECK_MESSAGE(!storage::fault_of_drop_name(name), name);
  for (const auto* name : {"", ".", "..", "a/b.zip", "/etc/passwd", "..\\b.zip", "a\nb.zip", "C:b.zip",
                           "b.zip ", "nul.zip", "\xff.zip"}) {
    const auto fault = storage::fault_of_drop_name(name);
    REQUIRE_MESSAGE(fault, name);
    CHECK_MESSAGE(!fault->plain, name);
  }
  for (const auto* name : {".hidden.zip", "a.zip.part", "a.zip.crdownload", "Thumbs.db", "ap1g7"}) {
    const auto fault = storage::fault_of_drop_name(name);
    REQUIRE_MESSAGE(fault, name);
    CHECK_MESSAGE(fault->plain, name);
  }
  CHECK(storage::fault_of_drop_name(std::string(300, 'a')));
}
