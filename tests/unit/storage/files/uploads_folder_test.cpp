// What clients sent is no part of the catalogue: read by its exact path, and nowhere else to be found.
#include "storage/files/uploads_folder.hpp"
#include "storage/lookup/explain.hpp"

#include <doctest/doctest.h>

#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "storage/lookup/lookup.hpp"
#include "storage/releases/releases.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::AboveRoot;
using storage::Cause;
using storage::LookupSettings;
using storage::Path;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

struct Images {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::Root root{depot.images()};

  Images() { write("EWC/17_9_4a/ap1g7"); }
  void write(const std::string& name) const { dir.write("images/" + name, name); }
  auto find(std::string_view asked, const LookupSettings& settings = {}) const {
    return storage::find_image(root, storage::Catalogue(root), asked, AboveRoot::refused, settings);
  }
  std::string served(std::string_view asked, const LookupSettings& settings = {}) const {
    const auto found = find(asked, settings);
    return found ? found->path.text() : "";
  }
  storage::Miss miss(std::string_view asked, const LookupSettings& settings = {}) const {
    return storage::explain_miss(root, storage::Catalogue(root), asked, find(asked, settings).error());
  }
};

LookupSettings for_tftp() {
  LookupSettings settings;
  settings.uploads = false;
  return settings;
}

}  // namespace

TEST_CASE("uploads are told by the name of a folder at any level") {
  CHECK(storage::is_in_uploads(path("/uploads")));
  CHECK(storage::is_in_uploads(path("/EWC/uploads/17_9_5/ap1g7")));
  CHECK_FALSE(storage::is_in_uploads(path("/UPLOADS/x")));
  CHECK_FALSE(storage::is_in_uploads(path("/uploads2/x")));
  CHECK_FALSE(storage::is_in_uploads(Path{}));
  CHECK(storage::below_uploads(path("/uploads/a/b")) == path("/a/b"));
  CHECK(storage::below_uploads(path("/uploads")) == Path{});
  CHECK_FALSE(storage::below_uploads(path("/EWC/uploads/a")));
  CHECK_FALSE(storage::below_uploads(Path{}));
}

TEST_CASE("an upload makes nothing ambiguous, and is never served for another name") {
  const Images images;
  const std::vector<std::string> asked = {"/tftpboot/17.9.4a/ap1g7", "/17.9.4a/ap1g7", "/17_9_4a/ap1g7",
                                          "/old/EWC/17.09.04a/AP1G7", "/ap1g7"};
  for (const auto& name : asked) REQUIRE(images.served(name) == "/EWC/17_9_4a/ap1g7");
  for (const std::string uploads : {"uploads/", "EWC/uploads/", "EWC/17_9_4a/uploads/", "a/b/c/uploads/"}) {
    for (const auto* name : {"ap1g7", "17.9.4a/ap1g7", "17_9_4a/ap1g7", "17.12.5/ap1g7", "EWC/17_12_5/ap1g7"})
      images.write(uploads + name);
  }
  for (const auto& name : asked) CHECK(images.served(name) == "/EWC/17_9_4a/ap1g7");
  for (const auto* name : {"/17.12.5/ap1g7", "/EWC/17_12_5/ap1g7", "/tftpboot/17.12.5/ap1g7",
                           "/UPLOADS/ap1g7", "C:/uploads/ap1g7", "/tftpboot/uploads/ap1g7"}) {
    CAPTURE(name);
    CHECK(images.served(name).empty());
    const auto miss = images.miss(name);
    CHECK_FALSE((miss.nearest && storage::is_in_uploads(*miss.nearest)));
    CHECK_FALSE(miss.hint.ends_with("/uploads"));
  }
  CHECK(images.miss("/wrong/ap1g7").nearest == path("/EWC/17_9_4a/ap1g7"));
}

TEST_CASE("an upload is read by its exact path, and a path below uploads means nothing else") {
  const Images images;
  images.write("uploads/17.9.4a/ap1g7");
  images.write("EWC/uploads/running-config");
  for (const auto* name : {"/uploads/17.9.4a/ap1g7", "uploads/17.9.4a/ap1g7", "//uploads/./17.9.4a/ap1g7"})
    CHECK(images.served(name) == "/uploads/17.9.4a/ap1g7");
  CHECK(images.served("/EWC/uploads/running-config") == "/EWC/uploads/running-config");
  for (const auto* name : {"/uploads/17.9.4a/AP1G7", "/uploads/17_9_4a/ap1g7", "/uploads/EWC/17_9_4a/ap1g7",
                           "/uploads/17.9.4a/ap1g7 "})
    CHECK(images.served(name).empty());
  LookupSettings aliased;
  aliased.aliases = {{path("/incoming"), path("/uploads")}};
  CHECK(images.served("/incoming/17.9.4a/ap1g7", aliased) == "/uploads/17.9.4a/ap1g7");
  CHECK(images.served("/incoming/EWC/17_9_4a/ap1g7", aliased).empty());
}

TEST_CASE("who asks over TFTP gets no upload, whether or not it is there") {
  const Images images;
  images.write("uploads/running-config");
  auto settings = for_tftp();
  settings.aliases = {{path("/incoming"), path("/uploads")}};
  for (const std::string name : {"/uploads/running-config", "/uploads/no", "//uploads/running-config",
                                 "/incoming/running-config", "uploads/running-config"}) {
    CAPTURE(name);
    CHECK(images.served(name, settings).empty());
    const auto miss = images.miss(name, settings);
    CHECK(miss.cause == Cause::read_refused);
    CHECK(miss.error == std::errc::permission_denied);
    CHECK(miss.hint == "fetch it over SFTP, or set tftp.read_uploads: true");
  }
  CHECK(storage::cause_name(Cause::read_refused) == "READ_REFUSED");
  CHECK(images.served("/EWC/17_9_4a/ap1g7", settings) == "/EWC/17_9_4a/ap1g7");
}

TEST_CASE("uploads are neither scanned nor watched") {
  const Images images;
  fs::create_directories(images.depot.images() / "EWC/uploads");
  images.write("uploads/17_9_5/ap1g8");
  images.write("uploads/17_9_5/bundle.zip");
  storage::LiveCatalogue live(images.depot);
  const auto first = live.now();
  CHECK(first->shelves().size() == 1);
  CHECK(first->archives().empty());
  CHECK(storage::all_releases(*first).size() == 1);
  CHECK(storage::releases_named(*first, "17.9.5").empty());
  CHECK(storage::releases_named(*first, "/uploads/17_9_5").empty());
  for (const auto* folder : {"uploads/17_9_6", "uploads/17_9_5/deeper", "EWC/uploads/17_9_6"})
    fs::create_directories(images.depot.images() / folder);
  images.write("uploads/17_9_6/ap1g8");
  fs::remove_all(images.depot.images() / "uploads/17_9_5");
  CHECK(live.now() == first);
}

TEST_CASE("a user whose root lies in uploads has no releases, and reads what is there") {
  const Images images;
  images.write("uploads/site/17_9_5/ap1g8");
  storage::LiveCatalogue live(images.depot);
  const auto catalogue = live.now(path("/uploads/site"));
  REQUIRE(catalogue);
  CHECK(catalogue->shelves().empty());
  const auto root = images.root.subroot(path("/uploads/site")).value();
  CHECK(storage::find_image(root, *catalogue, "/17_9_5/ap1g8", AboveRoot::stays, {}));
  CHECK_FALSE(storage::find_image(root, *catalogue, "/17.9.5/ap1g8", AboveRoot::stays, {}));
}
