#include "server/files/upload_rules.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"
#include "storage/depot/upload_error.hpp"

using namespace server;
using storage::UploadError;

namespace {

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }
std::string text_of(const storage::Miss& miss) { return miss.what + "; " + miss.hint; }

}  // namespace

TEST_CASE("an upload goes below the uploads folder, or where an alias leads to it") {
  const std::vector<storage::Alias> aliases{{path("/incoming"), path("/uploads")},
                                            {path("/out"), path("/EWC")}};
  CHECK(upload_place(path("/uploads/a/b"), aliases)->path == path("/a/b"));
  const auto by_alias = upload_place(path("/incoming/a"), aliases);
  REQUIRE(by_alias);
  CHECK(by_alias->path == path("/a"));
  CHECK(by_alias->rule == storage::Rule::alias);
  CHECK(named(by_alias->path) == path("/uploads/a"));
  CHECK(upload_place(path("/out/a"), aliases).error() == path("/EWC/a"));
  CHECK(upload_place(path("/EWC/a"), aliases).error() == path("/EWC/a"));
}

TEST_CASE("a device is told where it may write, if anywhere") {
  auto settings = conf::load_defaults().settings;
  CHECK(text_of(tftp_upload_place(settings, "uploads/a").error()) ==
        "uploads are not accepted; tftp.uploads allows them");
  settings.tftp.uploads = true;
  CHECK(tftp_upload_place(settings, "uploads/a")->path == path("/a"));
  CHECK(text_of(tftp_upload_place(settings, "/a").error()) == "/a is not below /uploads; write /uploads/a");
  CHECK(tftp_upload_place(settings, "/a").error().error == std::errc::permission_denied);
  CHECK(tftp_upload_place(settings, "/uploads").error().error == std::errc::permission_denied);
}

TEST_CASE("what was not written is explained by what stood in the way") {
  const auto explained = [](std::error_code error) {
    return text_of(explain_unwritten(path("/uploads/x/a"), error));
  };
  CHECK(explained(UploadError::exists) == "/uploads/x/a is there already; nothing is overwritten");
  CHECK(explained(UploadError::files) == "/uploads/x/a cannot be written; uploads.max_files is reached");
  CHECK(explained(UploadError::others) ==
        "/uploads/x/a stays as it is; only the user who sent it may change, rename or remove it");
  CHECK(explained(std::make_error_code(std::errc::no_such_file_or_directory)) ==
        "there is no folder /uploads/x; an upload makes no folders");
  CHECK(explained(std::make_error_code(std::errc::no_space_on_device)) ==
        "the disk has no room for /uploads/x/a; ");
}
