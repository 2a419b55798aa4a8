#include "server/tftp/upload_rules.hpp"

#include <fmt/format.h>

#include "storage/depot/upload_error.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/explain.hpp"

namespace server {

using storage::Cause;
using storage::Miss;

Miss upload_refusal(std::string what, std::string hint, std::errc error) {
  return {Cause::write_refused, std::move(what), std::move(hint), {}, std::make_error_code(error)};
}

std::expected<UploadPlace, Miss> tftp_upload_place(const conf::Settings& settings, const std::string& name) {
  if (!settings.tftp.uploads) {
    return std::unexpected(
        upload_refusal("uploads are not accepted", "tftp.uploads allows them", std::errc::permission_denied));
  }
  const auto asked = storage::read_name(name, storage::AboveRoot::refused);
  if (!asked) return std::unexpected(storage::explain_miss(name, asked.error()));
  UploadPlace place{asked->path};
  auto below = storage::below_uploads(asked->path);
  const auto other = below ? std::nullopt : storage::aliased(asked->path, settings.lookup.aliases);
  if (other) {
    place = {*other, storage::Rule::alias};
    below = storage::below_uploads(*other);
  }
  if (!below || below->is_root()) {
    return std::unexpected(upload_refusal(fmt::format("{} is not below /uploads", place.path.text()),
                                          fmt::format("write /uploads/{}", place.path.name()),
                                          std::errc::permission_denied));
  }
  place.path = std::move(*below);
  return place;
}

Miss explain_unwritten_upload(const storage::Path& place, std::error_code error) {
  const auto path = "/uploads" + place.text();
  const auto miss = [&](std::string what, std::string hint) {
    return Miss{Cause::write_refused, std::move(what), std::move(hint), {}, error};
  };
  if (storage::is_upload_error(error)) return miss(path + " cannot be written", error.message());
  if (error == std::errc::file_exists) return miss(path + " is there already", "nothing is overwritten");
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return miss(fmt::format("there is no folder /uploads{}", place.parent().text()), "folders are not made");
  }
  if (error == std::errc::no_space_on_device) return miss("the disk has no room for " + path, "");
  return miss(fmt::format("{} cannot be written: {}", path, error.message()), "");
}

}  // namespace server
