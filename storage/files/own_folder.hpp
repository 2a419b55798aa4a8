#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/file.hpp"

namespace storage {

// A folder of this process's user, in one where others may write as well: they may put a link into its place
// at any moment, so that what lies in it is reached by its handle alone. On Windows SYSTEM, the
// administrators and the service apdepot are not others. One thread; waits for the disk.
class OwnFolder {
 public:
  // Who may write around the folder: others as well, or this process's user alone, and then the owner and the
  // mode of the folder do not count, which some file systems make up.
  enum class Place { shared, ours };

  // Nothing where there is none, or it is a link, or, in a shared place, another user's, or others may write
  // in it.
  static std::optional<OwnFolder> open(const std::filesystem::path& folder, Place place = Place::shared);
  std::optional<OwnFolder> open_below(const std::string& name) const;
  // Makes it, for this user alone. Nothing where something has the name; throws std::system_error.
  std::optional<OwnFolder> make_below(const std::string& name) const;

  std::vector<std::string> names() const;  // throws std::system_error
  // What cannot be removed stays.
  void remove_file(const std::string& name) const noexcept;
  void remove_folder(const std::string& name) const noexcept;  // an empty one

  NativeHandle handle() const { return handle_.get(); }

 private:
  OwnFolder(Handle handle, Place place) : handle_(std::move(handle)), place_(place) {}

  Handle handle_;
  Place place_;
};

}  // namespace storage
