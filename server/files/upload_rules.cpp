#include "server/files/upload_rules.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
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

std::expected<UploadPlace, storage::Path> upload_place(const storage::Path& asked,
                                                       const std::vector<storage::Alias>& aliases) {
  if (auto below = storage::below_uploads(asked)) return UploadPlace{std::move(*below)};
  auto other = storage::aliased(asked, aliases);
  if (!other) return std::unexpected(asked);
  if (auto below = storage::below_uploads(*other))
    return UploadPlace{std::move(*below), storage::Rule::alias};
  return std::unexpected(std::move(*other));
}

storage::Path named(const storage::Path& below_uploads) {
  return storage::Path{} / storage::uploads_name / below_uploads;
}

std::expected<UploadPlace, Miss> tftp_upload_place(const conf::Settings& settings, const std::string& name) {
  if (!settings.tftp.uploads) {
    return std::unexpected(
        upload_refusal("uploads are not accepted", "tftp.uploads allows them", std::errc::permission_denied));
  }
  const auto asked = storage::read_name(name, storage::AboveRoot::refused);
  if (!asked) return std::unexpected(storage::explain_miss(name, asked.error()));
  auto place = upload_place(asked->path, settings.lookup.aliases);
  if (place && !place->path.is_root()) return std::move(*place);
  return std::unexpected(
      explain_unwritten(place ? asked->path : place.error(), make_error_code(storage::UploadError::outside)));
}

Miss explain_unwritten(const storage::Path& path, std::error_code error) {
  const auto name = path.text();
  const auto miss = [error](std::string what, std::string hint) {
    return Miss{Cause::write_refused, std::move(what), std::move(hint), {}, error};
  };
  const bool ours = storage::is_upload_error(error);
  if (error == storage::UploadError::outside || (!ours && !storage::below_uploads(path)))
    return miss(fmt::format("{} is not below /uploads", name), fmt::format("write /uploads/{}", path.name()));
  if (error == std::errc::file_exists) return miss(name + " is there already", "nothing is overwritten");
  if (error == std::errc::file_too_large)
    return miss(name + " is larger than a user may send", "ssh.max_upload bounds it");
  if (ours)
    return miss(name + (error == std::errc::permission_denied ? " stays as it is" : " cannot be written"),
                error.message());
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
    return miss(fmt::format("there is no folder {}", path.parent().text()), "an upload makes no folders");
  if (error == std::errc::no_space_on_device) return miss("the disk has no room for " + name, "");
  return miss(fmt::format("{} cannot be written: {}", name, error.message()), "");
}

}  // namespace server
