#include "storage/files/file_changed.hpp"

#include <string>

namespace storage {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "file"; }
  std::string message(int) const override { return "the file changed while it was sent"; }
  std::error_condition default_error_condition(int) const noexcept override {
    return std::make_error_condition(std::errc::io_error);
  }
};

const Category category;

}  // namespace

std::error_code file_changed_error() { return {1, category}; }

bool is_file_changed(std::error_code error) { return error.category() == category; }

bool content_changed(const Attributes& at_open, const Attributes& now) {
  if (now.version == at_open.version) return false;
  if (now.size != at_open.size || now.modified != at_open.modified) return true;
  // Only the time of the last change is another. Where its cause shows it is not the content. Else somebody
  // wrote and put the time of modification back, as copying tools do.
  const bool cause_shows = now.links != at_open.links || now.mode != at_open.mode || now.uid != at_open.uid ||
                           now.gid != at_open.gid;
  return !cause_shows;
}

Result<void> expect_unchanged(const File& file) {
  const auto now = file.attributes();
  if (!now) return std::unexpected(now.error());
  if (content_changed(file.at_open(), *now)) return std::unexpected(file_changed_error());
  return {};
}

}  // namespace storage
