#include "server/os/handed_over.hpp"

namespace server {

// Windows' service manager neither opens sockets for a service nor keeps them: what the configuration names
// is opened at each start.
std::vector<HandedOver> take_handed_over() { return {}; }

}  // namespace server
