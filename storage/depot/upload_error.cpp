#include "storage/depot/upload_error.hpp"

#include <fmt/format.h>

namespace storage {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "upload"; }

  std::string message(int value) const override {
    switch (static_cast<UploadError>(value)) {
      case UploadError::total:
        return "uploads.max_total leaves no room for it";
      case UploadError::files:
        return "uploads.max_files is reached";
      case UploadError::folders:
        return "uploads.max_folders is reached";
      case UploadError::reserve:
        return "the disk has no room for it beyond uploads.reserve";
      case UploadError::depth:
        return fmt::format("folders below uploads/ are at most {} deep", deepest_upload);
      case UploadError::others:
        return "only the user who sent it may change, rename or remove it";
      case UploadError::outside:
        return "Permission denied: only what is below /uploads can be written";
      case UploadError::exists:
        return "File exists, and nothing is replaced";
      case UploadError::too_large:
        return "File too large: ssh.max_upload bounds it";
      case UploadError::elsewhere:
        return "its folder lies on another file system than the depot's state/, where it is kept until it is "
               "whole: "
               "put both on one";
      case UploadError::unknown_sender:
        break;
    }
    return "this file system cannot record who sent it, so no user may change, rename or remove it";
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    const auto error = static_cast<UploadError>(value);
    if (error == UploadError::exists) return std::make_error_condition(std::errc::file_exists);
    if (error == UploadError::too_large) return std::make_error_condition(std::errc::file_too_large);
    const bool bound = error <= UploadError::reserve;
    return std::make_error_condition(bound ? std::errc::no_space_on_device : std::errc::permission_denied);
  }
};

const Category category;

}  // namespace

std::error_code make_error_code(UploadError error) { return {static_cast<int>(error), category}; }

bool is_upload_error(std::error_code error) { return error.category() == category; }

}  // namespace storage
