#include "server/http/image_list.hpp"

#include <doctest/doctest.h>

#include "storage/depot/depot.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server::http;

namespace {

struct Images {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  std::optional<ImageList> names_in(std::string_view path, bool uploads = false) const {
    const auto folder = path == "/" ? storage::Path() : storage::Path::parse(path).value();
    return server::http::names_in(depot, folder, uploads);
  }
  std::string texts(std::string_view path, bool uploads = false) const {
    std::string all;
    const auto list = names_in(path, uploads);
    for (const auto& each : list.value_or(ImageList{}).names) all += each.name + (each.folder ? "/ " : " ");
    return all;
  }
};

}  // namespace

TEST_CASE("folders come first, links are what they lead to, and uploads are told where they may be read") {
  const Images images;
  images.dir.write("images/EWC/17_9_4a/ap1g8", "image");
  images.dir.write("images/a.bin", "image");
  images.dir.write("images/uploads/secret", "text");
  images.dir.write("images/EWC/current", "17_9_4a\n");
  std::filesystem::create_directory_symlink("17_9_4a", images.dir / "images/EWC/newest");
  std::filesystem::create_directory_symlink("/etc", images.dir / "images/out");
  CHECK(images.texts("/") == "EWC/ a.bin ");
  CHECK(images.texts("/EWC") == "17_9_4a/ current/ newest/ ");
  CHECK(images.texts("/EWC/current") == "ap1g8 ");
  CHECK(images.texts("/", true) == "EWC/ uploads/ a.bin ");
  CHECK_FALSE(images.names_in("/uploads"));
  CHECK(images.names_in("/uploads", true));
  CHECK_FALSE(images.names_in("/EWC/17_9_4a/ap1g8"));
  CHECK_FALSE(images.names_in("/none"));
}

TEST_CASE("a name is no markup, and its link leads to it") {
  const ImageList list{
      storage::Path::parse("/E&C").value(), {{"<img src=x onerror=\"a\">", false, 5, 0}}, false};
  const auto html = html_of(list);
  CHECK(html.find("<img") == std::string::npos);
  CHECK(html.find("&lt;img src=x onerror=&quot;a&quot;&gt;") != std::string::npos);
  CHECK(html.find("<h1>/E&amp;C</h1>") != std::string::npos);
  CHECK(html.find("href=\"/E%26C/%3Cimg%20src%3Dx%20onerror%3D%22a%22%3E\"") != std::string::npos);
  CHECK(html.find("href=\"/\"") != std::string::npos);
}

TEST_CASE("as JSON a list has sizes and times") {
  const ImageList list{{}, {{"EWC", true, 0, 0}, {"a.bin", false, 5, 1}}, true};
  CHECK(
      json_of(list) ==
      "{\"path\":\"/\",\"items\":[{\"name\":\"EWC\",\"folder\":true,\"modified\":\"1970-01-01T00:00:00Z\"},\n"
      "{\"name\":\"a.bin\",\"folder\":false,\"size\":5,\"modified\":\"1970-01-01T00:00:01Z\"}],\"cut\":true}"
      "\n");
}
