#include "server/tftp_upload.hpp"

#include <fmt/format.h>

#include "storage/asked_name.hpp"

namespace server {

using storage::Cause;
using storage::Miss;

Miss upload_refusal(std::string what, std::string hint, std::errc error) {
  return {Cause::write_refused, std::move(what), std::move(hint), {}, std::make_error_code(error)};
}

std::expected<storage::Path, Miss> tftp_upload_place(const conf::Tftp& settings, const std::string& name) {
  if (!settings.uploads) {
    return std::unexpected(
        upload_refusal("uploads are not accepted", "tftp.uploads allows them", std::errc::permission_denied));
  }
  const auto asked = storage::read_name(name, storage::AboveRoot::refused);
  if (!asked) return std::unexpected(storage::explain_miss(name, asked.error()));
  const auto& path = asked->path;
  const auto components = path.components();
  if (components.size() < 2 || components.front() != "uploads") {
    return std::unexpected(upload_refusal(fmt::format("{} is not below /uploads", path.text()),
                                          fmt::format("write /uploads/{}", path.name()),
                                          std::errc::permission_denied));
  }
  storage::Path below;
  for (const auto& component : components.subspan(1)) below = below / component;
  return below;
}

Miss explain_unwritten_upload(const storage::Path& place, std::error_code error) {
  const auto path = "/uploads" + place.text();
  const auto miss = [&](std::string what, std::string hint) {
    return Miss{Cause::write_refused, std::move(what), std::move(hint), {}, error};
  };
  if (error == std::errc::file_exists) return miss(path + " is there already", "nothing is overwritten");
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return miss(fmt::format("/uploads{} is no folder", place.parent().text()), "folders are not made");
  }
  if (error == std::errc::no_space_on_device) return miss("the disk has no room for " + path, "");
  return miss(fmt::format("{} cannot be written: {}", path, error.message()), "");
}

}  // namespace server
