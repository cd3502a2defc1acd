<%--
  Figures of this Java and its Tomcat as lines of text, `name value`, for munin's plugin xnat_jvm. Numbers only, nothing
  can be asked for or set; reachable on loopback, at a port of its own. It is a page, not the manager application, so that
  there is nothing that could be told to deploy or stop. Tomcat compiles it when it is first asked for.
--%><%@ page session="false" trimDirectiveWhitespaces="true" contentType="text/plain; charset=UTF-8"
    import="java.lang.management.GarbageCollectorMXBean,java.lang.management.ManagementFactory,java.lang.management.MemoryPoolMXBean,java.lang.management.MemoryType,java.lang.management.MemoryUsage,java.util.Map,javax.management.JMException,javax.management.MBeanServer,javax.management.ObjectName" %><%!
    /** The sum of an attribute over all beans of a name that have it; -1 when none has. */
    private static long sum(MBeanServer server, String pattern, String attribute) throws JMException {
        long total = -1;
        for (ObjectName name : server.queryNames(new ObjectName(pattern), null)) {
            if (name.getKeyProperty("subType") == null) {
                Object value = server.getAttribute(name, attribute);
                if (value instanceof Number) {
                    total = Math.max(total, 0) + ((Number) value).longValue();
                }
            }
        }
        return total;
    }

    /** What was in the heap when the last collection ended; before the first one, what is in it. */
    private static long kept() {
        java.util.Set<String> heap = new java.util.HashSet<String>();
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == MemoryType.HEAP) {
                heap.add(pool.getName());
            }
        }
        long kept = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long newest = -1;
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            if (!(collector instanceof com.sun.management.GarbageCollectorMXBean)) {
                continue;
            }
            com.sun.management.GcInfo last = ((com.sun.management.GarbageCollectorMXBean) collector).getLastGcInfo();
            if (last != null && last.getEndTime() > newest) {
                newest = last.getEndTime();
                kept = 0;
                for (Map.Entry<String, MemoryUsage> after : last.getMemoryUsageAfterGc().entrySet()) {
                    kept += heap.contains(after.getKey()) ? after.getValue().getUsed() : 0;
                }
            }
        }
        return kept;
    }
%><%
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    long collected = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
        collected += Math.max(collector.getCollectionTime(), 0);
    }
    StringBuilder text = new StringBuilder();
    text.append("heap_used ").append(heap.getUsed()).append('\n');
    text.append("heap_committed ").append(heap.getCommitted()).append('\n');
    text.append("heap_max ").append(heap.getMax()).append('\n');
    text.append("heap_kept ").append(kept()).append('\n');
    text.append("gc_milliseconds ").append(collected).append('\n');
    text.append("threads ").append(ManagementFactory.getThreadMXBean().getThreadCount()).append('\n');
    // Catalina is the service that XNAT runs in; this page is in another.
    text.append("request_threads ").append(sum(server, "Catalina:type=ThreadPool,*", "currentThreadCount")).append('\n');
    text.append("request_threads_busy ").append(sum(server, "Catalina:type=ThreadPool,*", "currentThreadsBusy")).append('\n');
    text.append("request_threads_max ").append(sum(server, "Catalina:type=ThreadPool,*", "maxThreads")).append('\n');
    text.append("requests ").append(sum(server, "Catalina:type=GlobalRequestProcessor,*", "requestCount")).append('\n');
    text.append("request_errors ").append(sum(server, "Catalina:type=GlobalRequestProcessor,*", "errorCount")).append('\n');
    text.append("sessions ").append(sum(server, "Catalina:type=Manager,*", "activeSessions")).append('\n');
    // The name that datasource.jmxName gives XNAT's pool of connections (DBCP 2).
    text.append("pool_active ").append(sum(server, "dpuk.xnat:type=DatabasePool", "NumActive")).append('\n');
    text.append("pool_idle ").append(sum(server, "dpuk.xnat:type=DatabasePool", "NumIdle")).append('\n');
    out.print(text);
%>
