#include "server/api/release_named.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

struct Images {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  void add(const std::string& release) const { dir.write("images" + release + "/ap1g8", "image"); }
  // The path; or the sentence that says why there is none.
  std::string find(const std::string& wanted) const {
    try {
      return find_release(storage::Root(depot.images()), wanted).text();
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  }
};

}  // namespace

TEST_CASE("a release is found by its path and by a spelling that fits it alone") {
  const Images images;
  images.add("/EWC/17_9_4a"), images.add("/EWC/17_12_1"), images.add("/ME/8_10_185_0");
  for (const auto* wanted : {"/EWC/17_9_4a", "EWC/17_9_4a", "17.9.4a", "17.09.04a", "17_9_4A"}) {
    CAPTURE(wanted);
    CHECK(images.find(wanted) == "/EWC/17_9_4a");
  }
  CHECK(images.find("8.10.185.0") == "/ME/8_10_185_0");
}

TEST_CASE("what is not here is answered with what is") {
  const Images images;
  CHECK(images.find("17.9.4a") == "17.9.4a is not a release here: nothing is imported yet");
  images.add("/EWC/17_9_4a"), images.add("/EWC/17_12_1");
  CHECK(images.find("17.9.5") == "17.9.5 is not a release here; there are: /EWC/17_12_1, /EWC/17_9_4a");
  for (const auto* wanted : {"", "/", "/EWC", "/EWC/17_9_4a/ap1g8", "../EWC", "17.9.4"}) {
    CAPTURE(wanted);
    CHECK(images.find(wanted).find("is not a release here; there are: /EWC/17_12_1") != std::string::npos);
  }
}

TEST_CASE("a spelling that fits several releases names them, and a path decides") {
  const Images images;
  images.add("/EWC/17_9_4a"), images.add("/Spare/17_9_4a");
  CHECK(images.find("17.9.4a") == "17.9.4a fits more than one release: /EWC/17_9_4a, /Spare/17_9_4a");
  CHECK(images.find("/Spare/17_9_4a") == "/Spare/17_9_4a");
}

TEST_CASE("ten releases are named, and of more the first ten") {
  const Images images;
  for (int i = 1; i <= 10; ++i) images.add(fmt::format("/P{:02}/17_9_4a", i));
  CHECK(images.find("17.9.4a").ends_with("/P09/17_9_4a, /P10/17_9_4a"));
  CHECK(images.find("99.1.1").ends_with("/P09/17_9_4a, /P10/17_9_4a"));
  images.add("/P11/17_9_4a");
  CHECK(images.find("17.9.4a").ends_with("/P09/17_9_4a, /P10/17_9_4a, ..."));
  CHECK(images.find("99.1.1").ends_with("/P09/17_9_4a, /P10/17_9_4a, ..."));
}
