#include "storage/depot/count_uploads.hpp"

#include <string>
#include <vector>

#include "storage/files/root.hpp"
#include "storage/files/uploads_folder.hpp"

namespace storage {
namespace {

constexpr int deepest_root = 8;      // of a user, with the uploads folder in it
constexpr int deepest_counted = 64;  // only an administrator makes them deeper
constexpr std::size_t at_once = 256;

class Count {
 public:
  void look_for_uploads(const Root& folder, int levels) {
    for (const auto& name : read(folder, nullptr)) {
      const auto below = folder.subroot(Path{} / name);
      if (!below) continue;
      if (name == uploads_name) {
        add(*below, deepest_counted);
      } else if (levels > 1) {
        look_for_uploads(*below, levels - 1);
      }
    }
  }
  const UploadUse& found() const { return found_; }

 private:
  void add(const Root& folder, int levels) {
    const auto folders = read(folder, &found_);
    if (levels == 0) return;
    for (const auto& name : folders) {
      if (const auto below = folder.subroot(Path{} / name)) add(*below, levels - 1);
    }
  }

  // The names of the folders in it.
  static std::vector<std::string> read(const Root& folder, UploadUse* use) {
    std::vector<std::string> folders;
    auto directory = folder.open_directory(Path{});
    while (directory) {
      auto entries = directory->read(at_once);
      if (!entries || entries->empty()) break;
      for (auto& entry : *entries) {
        const bool is_folder = entry.attributes.kind == Kind::directory;
        if (use)
          *use += {entry.attributes.kind == Kind::file ? entry.attributes.size : 0, is_folder ? 0U : 1U,
                   is_folder ? 1U : 0U};
        if (is_folder) folders.push_back(std::move(entry.name));
      }
    }
    return folders;
  }

  UploadUse found_;
};

}  // namespace

UploadUse count_uploads(const std::filesystem::path& images) {
  Count count;
  if (const auto root = Root::open(images)) count.look_for_uploads(*root, deepest_root);
  return count.found();
}

}  // namespace storage
