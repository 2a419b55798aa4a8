#pragma once

namespace server::event {

// Of a transfer or a miss.
enum class Protocol { tftp, sftp, scp, http };

}  // namespace server::event
