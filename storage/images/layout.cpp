#include "storage/images/layout.hpp"

#include <fmt/format.h>

#include <string_view>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/files/path.hpp"
#include "storage/files/pointer.hpp"
#include "storage/files/uploads_folder.hpp"

namespace storage {
namespace {

std::string replaced(std::string text, std::string_view key, std::string_view value) {
  const auto at = text.find(key);
  return at == std::string::npos ? text : text.replace(at, key.size(), value);
}

// In any case: some file systems know no difference.
void refuse_pointer(std::string_view name) {
  if (folded(name) == pointer_name)
    throw Rejected(fmt::format(
        "{} is the name of the pointer to a release, which `apdepot promote` writes: rename the file, and "
        "import it again",
        in_quotes(name)));
}

}  // namespace

std::string release_path(const std::string& layout, const ReleaseName& name) {
  const std::string path =
      "/" + replaced(replaced(layout, "{product}", name.product), "{release}", name.release);
  const auto parsed = Path::parse(path, AboveRoot::refused);
  if (!parsed || parsed->is_root() || parsed->text() != path)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            fmt::format("import.layout \"{}\" gives no path for a release", layout));
  if (is_in_uploads(*parsed))
    throw std::system_error(
        std::make_error_code(std::errc::invalid_argument),
        fmt::format("import.layout \"{}\" leads to {}, and a folder called uploads holds no releases", layout,
                    path));
  refuse_pointer(parsed->name());
  return path;
}

std::string image_folder(const std::string& layout, const ReleaseName& name, const std::string& image) {
  refuse_pointer(image);
  if (!name.release.empty()) return release_path(layout, name);
  const auto path =
      Path::parse(release_path(layout, {.product = name.product, .release = image, .warnings = {}}));
  return path && !path->parent().is_root() ? path->parent().text() : "/" + name.product;
}

}  // namespace storage
