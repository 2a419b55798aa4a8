#include "storage/files/file_rights.hpp"

namespace storage {

// Windows has nothing by which a running process gives up files for good and keeps some: what an account may
// do is said by access lists, and the service has an account of its own (NT SERVICE\apdepot).
FileRights::FileRights() = default;
bool FileRights::known() { return false; }
bool FileRights::can_move() { return false; }
void FileRights::allow(const std::filesystem::path&, Right) {}
void FileRights::enforce() {}

}  // namespace storage
